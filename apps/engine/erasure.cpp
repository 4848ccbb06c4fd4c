#include "engine/erasure.hpp"

#include "engine/number_index.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t shown_digits = 2;

std::string_view without_plus(std::string_view number) { return number.starts_with('+') ? number.substr(1) : number; }

// Every place where the number stands in a text that peers wrote.
std::string masked(std::string text, std::string_view number, std::string_view mask) {
  for (auto at = text.find(number); at != std::string::npos; at = text.find(number, at + mask.size()))
    text.replace(at, number.size(), mask);
  return text;
}

}  // namespace

std::string erased_number(std::string_view number) {
  std::string out(number);
  std::size_t digits = 0;
  for (char& c : out) {
    if (c == '+' && &c == out.data()) continue;
    if (c >= '0' && c <= '9' && digits < shown_digits) ++digits;
    else c = '*';
  }
  return out;
}

std::optional<message> erase_number(const message& m, std::string_view number) {
  const auto is_it = [&](const address& a) { return without_plus(a.value) == number; };
  if (!is_it(m.content->source) && !is_it(m.content->destination)) return std::nullopt;
  const auto mask = erased_number(number);
  auto c = std::make_shared<message_content>(*m.content);
  for (auto* a : {&c->source, &c->destination})
    if (is_it(*a)) a->value = erased_number(a->value);
  c->body.clear();
  c->passthrough.clear();
  c->keyword.clear();
  c->user_data_header = false;
  c->reference = masked(std::move(c->reference), number, mask);
  if (c->receipt) c->receipt->error_text = masked(std::move(c->receipt->error_text), number, mask);
  message out{m.id, {}, m.progress};
  auto& p = out.progress;
  p.error.text = masked(std::move(p.error.text), number, mask);
  p.events = {};
  for (auto& e : m.progress.events.entries())
    p.events.add(e.at, e.kind, e.attempt, e.code, e.endpoint, masked(std::move(e.detail), number, mask));
  out.content = std::move(c);
  return out;
}

}  // namespace msgkit::engine
