#include "msgkit/xmppcomp/element.hpp"

#include <gtest/gtest.h>

#include "stream_script.hpp"

using namespace msgkit::xmppcomp;

TEST(Element, WritesTheNamespaceOnlyWhereItChanges) {
  element m("message");
  m.set("to", "a@b").add("body").text = "x";
  m.add("request", "urn:xmpp:receipts");
  auto& form = m.add("x", "jabber:x:data");
  form.add("field").add("value").text = "1";
  EXPECT_EQ(to_xml(m),
            "<message to='a@b'><body>x</body><request xmlns='urn:xmpp:receipts'/>"
            "<x xmlns='jabber:x:data'><field><value>1</value></field></x></message>");
}

TEST(Element, AStanzaInsideAnotherNamespaceIsAClientsStanza) {
  element m("message");
  m.add("forwarded", "urn:xmpp:forward:0").add("message", "").add("body").text = "x";
  EXPECT_EQ(to_xml(m), "<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>"
                       "<body>x</body></message></forwarded></message>");
}

TEST(Element, KeepsMixedContentUnknownElementsAndPrefixedAttributes) {
  const std::string xml = "<message to='a' xml:lang='de'>one<x xmlns='urn:a'>two<y/>three</x>four<z xmlns='urn:b' "
                          "xmlns:a0='urn:c' a0:k='v'/></message>";
  const auto first = read_stanzas(stream_open + xml);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(to_xml(first.front()), xml);
  EXPECT_EQ(first.front().lang(), "de");
  EXPECT_EQ(first.front().children[0].tail, "four");
  EXPECT_EQ(read_stanzas(stream_open + to_xml(first.front())), first);
}

TEST(Element, SetsReplacesAndRemovesAttributes) {
  element e("iq");
  e.set("id", "1").set("id", "2").set("type", "get");
  EXPECT_EQ(e.get("id"), "2");
  EXPECT_TRUE(e.has("type"));
  e.remove("type");
  EXPECT_FALSE(e.has("type"));
  EXPECT_EQ(e.get("type"), "");
  e.set_lang("en").set_lang("fi");
  EXPECT_EQ(to_xml(e), "<iq id='2' xml:lang='fi'/>");
}

TEST(Element, FindsChildrenByNameAndNamespace) {
  element m("message");
  m.add("body").text = "first";
  m.add("body").text = "second";
  m.add("body", "http://www.w3.org/1999/xhtml").text = "html";
  EXPECT_EQ(m.child_text("body"), "first");
  EXPECT_EQ(m.child_text("body", "http://www.w3.org/1999/xhtml"), "html");
  EXPECT_EQ(m.child("subject"), nullptr);
  EXPECT_EQ(m.first(), &m.children[0]);
}

TEST(Element, KnowsNamesThatCannotBeWritten) {
  element m("message");
  EXPECT_TRUE(is_writable(m));
  m.add("bo dy");
  EXPECT_FALSE(is_writable(m));
  element a("message");
  a.set("x='1' y", "2");
  EXPECT_FALSE(is_writable(a));
  element x("message");
  x.set("xmlns", "urn:other");
  EXPECT_FALSE(is_writable(x)) << "a namespace is the element's, not an attribute";
}
