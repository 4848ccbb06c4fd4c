// Requests and answers as real systems write them.
#include <gtest/gtest.h>

#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {
namespace {

using namespace std::string_literals;

const std::string rel6 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

struct read {
  std::string type, body;
  std::string id;
  result<received> r;
  read(std::string content_type, std::string octets) : type(std::move(content_type)), body(std::move(octets)), r(decode(type, as_bytes(body), {}, &id)) {}
  template <class T>
  const T& as() const { return std::get<T>(r->envelope.operation); }
};

std::string soap(const std::string& header, const std::string& body) {
  return "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header>" + header +
         "</env:Header><env:Body>" + body + "</env:Body></env:Envelope>";
}
std::string id_header(const std::string& ns = rel6, const std::string& id = "t1") {
  return "<mm7:TransactionID xmlns:mm7=\"" + ns + "\" env:mustUnderstand=\"1\">" + id + "</mm7:TransactionID>";
}

TEST(Mm7Vectors, W1DeliverReqWithBlanksEverywhere) {
  for (const auto* href : {"cid:forecast-location2000102-86453", "cid:forecast-location200102-86453"}) {
    const read v("multipart/related; boundary=\"NextPart_000_0125_01C19839.7237929064\"; type=\"text/xml\"; start=\"</cmvt256/mm7-deliver>\"",
                 "--NextPart_000_0125_01C19839.7237929064 \r\nContent-Type:text/xml; charset=\"utf-8\"\r\nContent-ID: </cmvt256/mm7-deliver>\r\n\r\n" +
                     soap(id_header(rel6, "\n\t\tvas00324-dlvr\n\t"),
                          "<mm7:DeliverReq xmlns:mm7=\"" + rel6 + "\"><mm7:MM7Version>6.7.0</mm7:MM7Version><mm7:VASPID>TNN</mm7:VASPID><mm7:VASID>Reminder</mm7:VASID>"
                          "<mm7:MMSRelayServerID>240.110.75.34</mm7:MMSRelayServerID><mm7:LinkedID>wthr8391</mm7:LinkedID><mm7:Sender><mm7:RFC2822Address>97254265781@OMMS.com</mm7:RFC2822Address></mm7:Sender>"
                          "<mm7:TimeStamp>2002-04-15T14:35:21-05:00</mm7:TimeStamp><mm7:Priority>Normal</mm7:Priority><mm7:Subject>Weather</mm7:Subject><mm7:Content href=\"" + href + "\"/></mm7:DeliverReq>") +
                     "\r\n--NextPart_000_0125_01C19839.7237929064 \r\nContent-Type: text/plain\r\nContent-ID:<forecast-location2000102-86453>\r\n\r\nsunny\r\n--NextPart_000_0125_01C19839.7237929064--\r\n");
    ASSERT_TRUE(v.r) << v.r.error().code.message();
    EXPECT_EQ(v.r->envelope.transaction_id, "vas00324-dlvr");
    EXPECT_EQ(v.r->envelope.version, "6.7.0");
    const auto& m = v.as<deliver_req>();
    EXPECT_EQ(m.vasp_id, "TNN");
    EXPECT_EQ(m.linked_id, "wthr8391");
    EXPECT_EQ(m.sender, (address{address_kind::email, "97254265781@OMMS.com", false, {}, {}}));
    EXPECT_EQ(format_date_time(*m.time_stamp), "2002-04-15T19:35:21Z");
    ASSERT_EQ(v.r->parts().size(), 1u);
    EXPECT_EQ(as_text(v.r->parts()[0]->body), "sunny");
    EXPECT_EQ(v.r->content_guessed, href == "cid:forecast-location200102-86453"s);
  }
}

TEST(Mm7Vectors, W2NestedMixedWithBlanksInItsBoundary) {
  const read v("multipart/related; boundary=B; type=text/xml",
               "--B\r\nContent-Type: text/xml\r\n\r\n" + soap(id_header(), "<DeliverReq xmlns=\"" + rel6 + "\"><Sender><Number>1</Number></Sender><Content href=\"cid:wrong\"/></DeliverReq>") +
                   "\r\n--B\r\nContent-Type: multipart/mixed; boundary=\"StoryParts 74526 8432 2002-77645\"\r\nContent-ID: <c>\r\n\r\n"
                   "--StoryParts 74526 8432 2002-77645 \r\nContent-Type: text/plain\r\n\r\nstory\r\n--StoryParts 74526 8432 2002-77645 \r\n"
                   "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--StoryParts 74526 8432 2002-77645--\r\n--B--\r\n");
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  EXPECT_TRUE(v.r->content_guessed);
  ASSERT_EQ(v.r->parts().size(), 2u);
  EXPECT_EQ(as_text(*mime::decode(*v.r->parts()[1], 10)), "GIF");
}

TEST(Mm7Vectors, W3PrefixesOfAnotherVendorAndTypedNumbers) {
  const read v("multipart/related; boundary=B; start=\"<e>\"",
               "--B\r\nContent-Type: text/xml\r\nContent-Id: <e>\r\n\r\n<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" soap:encodingStyle=\"\"><soap:Header>"
               "<mm7p6a0:TransactionID xmlns:mm7p6a0=\"" + rel6 + "\">T</mm7p6a0:TransactionID></soap:Header><soap:Body><mm7p6a0:DeliverReq xmlns:mm7p6a0=\"" + rel6 + "\">"
               "<mm7p6a0:Sender><mm7p6a0:Number>+3859100010010/TYPE=PLMN</mm7p6a0:Number></mm7p6a0:Sender><mm7p6a0:Recipients><mm7p6a0:To><mm7p6a0:Number>88888/TYPE=PLMN</mm7p6a0:Number></mm7p6a0:To></mm7p6a0:Recipients>"
               "<mm7p6a0:Content href=\"cid:c\">x</mm7p6a0:Content></mm7p6a0:DeliverReq></soap:Body></soap:Envelope>\r\n--B\r\n"
               "Content-Type: multipart/related; Type=\"application/smil\"; Start=\"<AAAA>\"; boundary=\"Nokia-mm-messageHandler-BoUnDaRy-=_-1069507222\"\r\nContent-Id: <c>\r\n\r\n"
               "--Nokia-mm-messageHandler-BoUnDaRy-=_-1069507222\r\nContent-Type: image/gif\r\nContent-Location: a.gif\r\nContent-Transfer-Encoding: BASE64\r\n\r\nR0lG\r\n"
               "--Nokia-mm-messageHandler-BoUnDaRy-=_-1069507222\r\nContent-Type: application/smil\r\nContent-Id: <AAAA>\r\n\r\n<smil/>\r\n--Nokia-mm-messageHandler-BoUnDaRy-=_-1069507222--\r\n--B--");
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  EXPECT_EQ(v.as<deliver_req>().sender->value, "+3859100010010");
  EXPECT_EQ(v.as<deliver_req>().recipients.to.at(0).value, "88888");
  ASSERT_EQ(v.r->parts().size(), 2u);
  EXPECT_TRUE(v.r->parts()[0]->is_smil());
}

TEST(Mm7Vectors, W5ContentIdWithoutBracketsAndRawOctets) {
  const std::string jpeg = "\xFF\xD8\xFF\xE0\0\r\n--x\n\xFF\xD9"s;
  const read v("multipart/related; boundary=B",
               "--B\r\nContent-Type: text/xml\r\n\r\n" + soap(id_header(), "<SubmitReq xmlns=\"" + rel6 + "\"><Recipients><To><Number>1</Number></To></Recipients><Content href=\"cid:content_15\"/></SubmitReq>") +
                   "\r\n--B\r\nContent-Type: image/jpeg\r\nContent-ID: content_15\r\n\r\n" + jpeg + "\r\n--B--");
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  EXPECT_FALSE(v.r->content_guessed);
  EXPECT_EQ(as_text(v.r->parts().at(0)->body), jpeg);
}

TEST(Mm7Vectors, W6SubmitReqOfRelease5) {
  const auto ns = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2"s;
  const read v("text/xml; charset=utf-8",
               soap("<ns1:TransactionID xmlns:ns1=\"" + ns + "\" env:actor=\"\" xsi:type=\"x\" xmlns:xsi=\"y\">9</ns1:TransactionID>",
                    "<SubmitReq xmlns=\"" + ns + "\"><MM7Version>5.3.0</MM7Version><SenderIdentification><VASPID>messaging</VASPID><VASID>ADM</VASID><SenderAddress><ShortCode>1111</ShortCode></SenderAddress></SenderIdentification>"
                    "<Recipients><To><Number>+1</Number></To></Recipients><ServiceCode>1</ServiceCode><MessageClass>Personal</MessageClass><ExpiryDate>2026-11-21T00:00:00Z</ExpiryDate><DeliveryReport>false</DeliveryReport>"
                    "<ReadReply>false</ReadReply><Priority>NORMAL</Priority><Subject>s</Subject><ChargedParty>Sender</ChargedParty></SubmitReq>"));
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  const auto& m = v.as<submit_req>();
  EXPECT_EQ(v.r->envelope.ns, ns);
  EXPECT_EQ(m.sender_address->kind, address_kind::short_code);
  EXPECT_EQ(m.vas_id, "ADM");
  EXPECT_EQ(m.priority, "Normal");
  EXPECT_EQ(m.delivery_report, false);
  const auto back = encode(v.r->envelope);
  ASSERT_TRUE(back);
  const auto again = decode(back->content_type, back->body);
  ASSERT_TRUE(again);
  EXPECT_EQ(as_text(encode(again->envelope)->body), as_text(back->body));
}

TEST(Mm7Vectors, W7AnyOrderAndNoNamespace) {
  const read v("text/xml",
               soap(id_header(), "<SubmitReq><DeliveryReport>True</DeliveryReport><SenderIdentification><VASPID>v</VASPID></SenderIdentification><ExpiryDate>P1D</ExpiryDate>"
                                 "<TimeStamp>2015-03-16T14:03:51.749Z</TimeStamp><Recipients><To><Number>4670</Number></To></Recipients><Subject>last</Subject><MM7Version>6.8.0</MM7Version></SubmitReq>"));
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  EXPECT_EQ(v.as<submit_req>().delivery_report, true);
  EXPECT_EQ(v.as<submit_req>().vasp_id, "v");
  const auto xml = std::string(as_text(encode(v.r->envelope)->body));
  std::size_t at = 0;
  for (const auto* name : {"<MM7Version>", "<SenderIdentification>", "<Recipients>", "<TimeStamp>", "<ExpiryDate>", "<DeliveryReport>", "<Subject>"}) {
    const auto found = xml.find(name);
    ASSERT_NE(found, std::string::npos) << name;
    EXPECT_GT(found, at) << name;
    at = found;
  }
}

TEST(Mm7Vectors, W9ToW11FaultsInEveryForm) {
  const read sinch("text/xml", soap(id_header(), "<env:Fault><faultcode>env:Client</faultcode><faultstring>Client error</faultstring><detail><RSErrorRsp xmlns=\"" + rel6 +
                                                     "\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>2007</StatusCode><StatusText>Message format corrupt</StatusText><Details>d</Details></Status></RSErrorRsp></detail></env:Fault>"));
  ASSERT_TRUE(sinch.r);
  EXPECT_TRUE(sinch.r->envelope.is_fault);
  EXPECT_EQ(status_of(sinch.r->envelope.operation)->code, status_code::message_format_corrupt);
  EXPECT_EQ(status_of(sinch.r->envelope.operation)->details, "d");
  const read qualified("text/xml", soap(id_header(), "<env:Fault><env:faultcode>env:Client</env:faultcode><env:faultstring>x</env:faultstring><env:detail><RSErrorRsp xmlns=\"urn:x\"><Status><StatusCode>2002</StatusCode></Status></RSErrorRsp></env:detail></env:Fault>"));
  EXPECT_EQ(status_of(qualified.r->envelope.operation)->code, status_code::address_error);
  const read plain("text/xml", soap("", "<env:Fault><faultcode>Client</faultcode><detail><mm7:RSErrorRsp xmlns:mm7=\"urn:x\"><mm7:Status><mm7:StatusCode>4002</mm7:StatusCode></mm7:Status></mm7:RSErrorRsp></detail></env:Fault>"));
  EXPECT_EQ(status_of(plain.r->envelope.operation)->code, status_code::unsupported_version);
  const read bare("text/xml", soap("", "<env:Fault><faultcode>env:Server</faultcode><faultstring>boom</faultstring></env:Fault>"));
  EXPECT_EQ(status_of(bare.r->envelope.operation)->code, status_code::server_error);
}

TEST(Mm7Vectors, W13DoubleColonsAreRefusedWithoutACrash) {
  const read v("text/xml", "<soap-env::Envelope><soap-env::Header></soap-env::Header><soap-env::Body><x/></soap-env::Body></soap-env::Envelope>");
  ASSERT_FALSE(v.r);
}

TEST(Mm7Vectors, W14ReportWhoseContentTypeLies) {
  const read v("multipart/related; type=\"text/xml\"",
               soap(id_header(), "<DeliveryReportReq xmlns=\"" + rel6 + "\"><MM7Version>6.8.0</MM7Version><MessageID>m1</MessageID><Recipient><To><Number>46701</Number></To></Recipient><Sender><Number>1</Number></Sender>"
                                 "<Date>2015-03-16T14:03:51.749Z</Date><MMStatus>retrieved</MMStatus><StatusText>Success</StatusText><UACapabilities UAProf=\"http://x/y\"/></DeliveryReportReq>"));
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  const auto& m = v.as<delivery_report_req>();
  EXPECT_EQ(m.recipient->value, "46701");
  EXPECT_EQ(m.mm_status, "Retrieved");
  EXPECT_EQ(m.ua_prof, "http://x/y");
  delivery_report_rsp answer;
  const auto out = encode({.transaction_id = v.r->envelope.transaction_id, .operation = answer});
  const auto back = decode(out->content_type, out->body);
  EXPECT_EQ(back->envelope.transaction_id, "t1");
  EXPECT_EQ(status_of(back->envelope.operation)->code, status_code::success);
}

TEST(Mm7Vectors, W15KoreanCharsetAndOddValues) {
  const read v("text/xml",
               "<?xml version=\"1.0\" encoding=\"euc-kr\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header>" + id_header() +
                   "</env:Header><env:Body><SubmitReq xmlns=\"" + rel6 + "\"><SenderIdentification><VASPID>v</VASPID><SenderAddress>0117001</SenderAddress></SenderIdentification><CallBack>1</CallBack><Recipients><To>0112</To></Recipients>"
                   "<MessageClass>137</MessageClass><DistributionIndicator>0000</DistributionIndicator><Subject>\xC7\xD1\xB1\xDB</Subject></SubmitReq></env:Body></env:Envelope>");
  ASSERT_TRUE(v.r) << v.r.error().code.message();
  const auto& m = v.as<submit_req>();
  EXPECT_EQ(m.subject, "한글");
  EXPECT_EQ(m.sender_address->value, "0117001");
  EXPECT_EQ(m.recipients.to.at(0).value, "0112");
  EXPECT_EQ(m.message_class, "137");
  EXPECT_FALSE(m.distribution_indicator);
  EXPECT_EQ(v.r->unreadable, std::vector<std::string_view>{"DistributionIndicator"});
}

TEST(Mm7Vectors, W17ExtraMessageIdsInResponses) {
  for (const std::string name : {"DeliverRsp", "DeliveryReportRsp", "ReadReplyRsp"}) {
    const read v("text/xml", soap(id_header(), "<mm7:" + name + " xmlns:mm7=\"" + rel6 + "\"><MM7Version>5.3.0</MM7Version><Status><StatusCode>1000</StatusCode></Status><MessageID>extra</MessageID></mm7:" + name + ">"));
    ASSERT_TRUE(v.r) << name;
    EXPECT_EQ(name_of(v.r->envelope.operation), name);
  }
}

TEST(Mm7Vectors, W18DisplayOnlyIsNotDeliveredTo) {
  const read v("text/xml", soap(id_header("urn:other-release"), "<SubmitReq xmlns=\"" + rel6 + "\"><Recipients><To><Number>1</Number><RFC2822Address displayOnly=\"true\">a@b</RFC2822Address></To></Recipients></SubmitReq>"));
  ASSERT_TRUE(v.r);
  EXPECT_EQ(v.as<submit_req>().recipients.to.size(), 2u);
  ASSERT_EQ(v.as<submit_req>().recipients.deliverable().size(), 1u);
  EXPECT_EQ(v.as<submit_req>().recipients.deliverable()[0].value, "1");
}

TEST(Mm7Vectors, W19PartialSuccess) {
  const read v("text/xml", soap(id_header(), "<SubmitRsp xmlns=\"" + rel6 + "\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>1100</StatusCode><StatusText>Partial success</StatusText><Details>+1 failed</Details></Status><MessageID>m</MessageID></SubmitRsp>"));
  ASSERT_TRUE(v.r);
  EXPECT_TRUE(is_success(v.as<submit_rsp>().status.code));
  EXPECT_EQ(v.as<submit_rsp>().message_id, "m");
}

TEST(Mm7Vectors, EveryPrefixAndEveryChangedOctetIsAValueOrAnError) {
  const std::string type = "multipart/related; boundary=B; start=\"<e>\"";
  const std::string body = "--B\r\nContent-Type: text/xml\r\nContent-ID: <e>\r\n\r\n" +
                           soap(id_header(), "<SubmitReq xmlns=\"" + rel6 + "\"><Recipients><To><Number>1</Number></To></Recipients><ExpiryDate>P1D</ExpiryDate><Content href=\"cid:c\"/></SubmitReq>") +
                           "\r\n--B\r\nContent-ID: <c>\r\n\r\nx\r\n--B--";
  for (std::size_t i = 0; i < body.size(); ++i) {
    const byte_vector prefix(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(i));
    (void)decode(type, prefix);
    for (const int flip : {0xFF, 0x1C}) {
      byte_vector changed(body.begin(), body.end());
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      const auto r = decode(type, changed);
      if (r) {
        (void)encode(r->envelope);
        (void)r->parts();
      }
    }
  }
}

}  // namespace
}  // namespace msgkit::mm7
