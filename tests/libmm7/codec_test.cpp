#include "msgkit/mm7/codec.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm7 {
namespace {

const std::string open_tag = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><TransactionID>t-9</TransactionID></e:Header><e:Body>";
const std::string close_tag = "</e:Body></e:Envelope>";

result<received> read(const std::string& xml, std::string* id = nullptr, const limits& l = {}) { return decode("text/xml", as_bytes(xml), l, id); }

submit_req sample() {
  submit_req m;
  m.vasp_id = "v";
  m.recipients.to = {{.value = "+1"}};
  return m;
}

// Case 31
TEST(Mm7Limits, RefusesDoctypeAndExpandsNothing) {
  for (const std::string doctype : {"<!DOCTYPE x [<!ENTITY a \"b\">]>", "<!doctype x SYSTEM \"file:///etc/passwd\">", "<!ENTITY a \"b\">"}) {
    const auto r = read(doctype + open_tag + "<SubmitReq/>" + close_tag);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, errc::doctype_refused) << doctype;
    EXPECT_EQ(status_for(r.error()), status_code::message_format_corrupt);
  }
  const auto r = read(open_tag + "<CancelReq><MessageID>&unknown;</MessageID></CancelReq>" + close_tag);
  if (r) {
    EXPECT_EQ(std::get<cancel_req>(r->envelope.operation).message_id, "&unknown;");
  }
}

// Case 32
TEST(Mm7Limits, BoundsDepthElementsAndAttributes) {
  std::string deep, wide = open_tag + "<CancelReq>";
  for (int i = 0; i < 65; ++i) deep += "<a>";
  EXPECT_EQ(read(deep).error().code, errc::too_deep);
  for (int i = 0; i < 10'001; ++i) wide += "<a/>";
  EXPECT_EQ(read(wide).error().code, errc::too_many_elements);
  EXPECT_EQ(read("<a b='1' b='2'/>").error().code, errc::duplicate_attribute);
  EXPECT_FALSE(read(std::string(300'000, ' ')));
}

TEST(Mm7Limits, SaysWhatIsWrongAndKeepsTheTransactionId) {
  const struct {
    std::string body;
    errc code;
    status_code answer;
  } rows[] = {{"<CancelReq/>", errc::element_missing, status_code::validation_error},
              {"<SubmitReq><Recipients/></SubmitReq>", errc::element_missing, status_code::validation_error},
              {"<DeliverReq><Sender/></DeliverReq>", errc::element_invalid, status_code::validation_error},
              {"<GetDeviceProfileReq/>", errc::operation_unknown, status_code::unsupported_operation},
              {"<SubmitRsp><Status><StatusCode>fine</StatusCode></Status></SubmitRsp>", errc::element_invalid, status_code::validation_error},
              {"", errc::operation_missing, status_code::message_format_corrupt}};
  for (const auto& row : rows) {
    std::string id;
    const auto r = read(open_tag + row.body + close_tag, &id);
    ASSERT_FALSE(r) << row.body;
    EXPECT_EQ(r.error().code, row.code) << row.body;
    EXPECT_EQ(id, "t-9");
    const auto fault = encode(make_fault(r.error(), id, true));
    ASSERT_TRUE(fault);
    const auto back = decode(fault->content_type, fault->body);
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->envelope.is_fault);
    EXPECT_EQ(back->envelope.transaction_id, "t-9");
    EXPECT_EQ(status_of(back->envelope.operation)->code, row.answer);
  }
}

TEST(Mm7Limits, RefusesWhatIsNoSoap11) {
  EXPECT_EQ(read("<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body/></Envelope>").error().code, errc::not_soap);
  EXPECT_EQ(read("<html/>").error().code, errc::not_soap);
  for (const std::string bad : {"", "not xml", "<a", "<a></b>", "<a b=1/>", "<a><!-- ", "</a>", "<a></a></a>", "<e:Envelope>"}) EXPECT_FALSE(read(bad)) << bad;
  EXPECT_EQ(read("<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><CancelReq><MessageID>1</MessageID></CancelReq></e:Body></e:Envelope>").error().code,
            errc::transaction_id_missing);
}

TEST(Mm7Limits, BoundsRecipients) {
  std::string many;
  for (int i = 0; i < 11; ++i) many += "<To><Number>1</Number></To>";
  const auto r = read(open_tag + "<SubmitReq><Recipients>" + many + "</Recipients></SubmitReq>" + close_tag, nullptr, {.recipients_max = 10});
  EXPECT_EQ(r.error().code, errc::too_many_recipients);
}

// Case 33
TEST(Mm7Content, HrefNeverLeavesTheMessage) {
  const std::string xml = open_tag + "<SubmitReq><Recipients><To><Number>1</Number></To></Recipients><Content href=\"cid:../../etc/passwd\"/></SubmitReq>" + close_tag;
  EXPECT_EQ(read(xml).error().code, errc::content_missing);
  const auto repeated = "--B\r\nContent-Type: text/xml\r\n\r\n" + xml + "\r\n--B\r\nContent-ID: <c>\r\n\r\none\r\n--B\r\nContent-ID: <c>\r\n\r\ntwo\r\n--B--";
  const auto r = decode("multipart/related; boundary=B", as_bytes(repeated));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->content_guessed);
  EXPECT_EQ(as_text(r->parts().at(0)->body), "one");
  EXPECT_FALSE(decode("multipart/related; boundary=B", as_bytes("--B\r\n\r\nno xml\r\n--B--")));
}

TEST(Mm7Content, PartsTravelBothWays) {
  const std::string text = "gr\xC3\xBC\xC3\x9F" "e", picture = std::string("\xFF\xD8\0\r\n--\x80", 8), smil = "<smil/>";
  std::vector<mime::out_part> parts;
  parts.push_back({.type = mime::parse_media_type("application/smil"), .id = "smil", .content = as_bytes(smil)});
  parts.push_back({.type = mime::parse_media_type("text/plain; charset=utf-8"), .id = "t", .content = as_bytes(text)});
  parts.push_back({.type = mime::parse_media_type("image/jpeg"), .id = "p", .content = as_bytes(picture)});
  for (std::size_t count : {1u, 2u, 3u}) {
    const auto out = encode({.transaction_id = "x", .operation = sample()}, {parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count)});
    ASSERT_TRUE(out) << out.error().code.message();
    const auto back = decode(out->content_type, out->body);
    ASSERT_TRUE(back) << back.error().code.message() << as_text(out->body);
    EXPECT_FALSE(back->content_guessed);
    ASSERT_EQ(back->parts().size(), count);
    EXPECT_TRUE(back->parts()[0]->is_smil());
    if (count > 1) {
      EXPECT_EQ(mime::decode_text(*back->parts()[1], 100).value_or("?"), text);
    }
    if (count > 2) {
      EXPECT_EQ(as_text(*mime::decode(*back->parts()[2], 100)), picture);
    }
  }
}

TEST(Mm7Encode, EscapesWhatUsersWrite) {
  auto m = sample();
  m.subject = "</Subject><VASPID>evil</VASPID> & \"x\"\x01\xFF";
  m.recipients.to.front().value = "<1>";
  m.recipients.to.front().id = "\"/><x y=\"";
  const auto out = encode({.transaction_id = "<t>&", .operation = m});
  ASSERT_TRUE(out);
  const auto back = decode(out->content_type, out->body);
  ASSERT_TRUE(back) << as_text(out->body);
  EXPECT_EQ(back->envelope.transaction_id, "<t>&");
  const auto& r = std::get<submit_req>(back->envelope.operation);
  EXPECT_EQ(r.vasp_id, "v");
  EXPECT_EQ(r.subject, "</Subject><VASPID>evil</VASPID> & \"x\" \xEF\xBF\xBD");
  EXPECT_EQ(r.recipients.to.front().id, "\"/><x y=\"");
}

TEST(Mm7Encode, ControlsAtTheEndsGoWithTheBlanks) {
  auto m = sample();
  for (const auto* subject : {"\x1F\x1F <x> \x01", "\xEF\xBF\xBE<x>\xEF\xBF\xBF"}) {
    m.subject = subject;
    const auto once = encode({.transaction_id = "t", .operation = m});
    const auto back = decode(once->content_type, once->body);
    ASSERT_TRUE(back);
    const auto twice = encode(back->envelope);
    const auto again = decode(twice->content_type, twice->body);
    ASSERT_TRUE(again);
    EXPECT_EQ(std::get<submit_req>(again->envelope.operation).subject, std::get<submit_req>(back->envelope.operation).subject);
    EXPECT_EQ(encode(again->envelope)->body, twice->body);
  }
}

TEST(Mm7Encode, NamesWhatIsMissing) {
  submit_req m;
  EXPECT_EQ(encode({.transaction_id = "x", .operation = m}).error(), (fault{make_error_code(errc::element_missing), "Recipients", 0}));
}

}  // namespace
}  // namespace msgkit::mm7
