#include "msgkit/goip/describe.hpp"

#include "datagram_writer.hpp"
#include "msgkit/core/json_writer.hpp"

namespace msgkit::goip {
namespace {

// The visitor behind to_json().
class describer {
 public:
  describer(json_writer& json, json_options options) noexcept : json_(json), options_(options) {}

  void text(std::string_view name, std::string_view value, std::size_t = 0, bool = false) {
    json_.key(name);
    json_.text(value);
  }
  void integer(std::string_view name, const std::optional<std::int64_t>& value, std::int64_t, std::int64_t,
               bool = false) {
    write(name, value);
  }
  void flag(std::string_view name, const std::optional<bool>& value, char, char) {
    json_.key(name);
    if (value) json_.boolean(*value);
    else json_.null();
  }
  void number_and_cause(std::string_view name, std::string_view number, std::string_view cause_name,
                        std::string_view cause) {
    text(name, number);
    text(cause_name, cause);
  }
  void rest(std::string_view name, std::string_view value) { text(name, value); }
  void number(std::string_view name, std::uint32_t value) {
    json_.key(name);
    json_.number(value);
  }
  void optional_number(std::string_view name, const std::optional<std::uint32_t>& value) { write(name, value); }
  void word(std::string_view name, std::string_view value, std::size_t) { text(name, value); }
  void secret(std::string_view name, std::string_view value) { text(name, options_.with_secrets ? value : "***"); }
  void counted_text(std::string_view name, std::string_view value, std::size_t) { text(name, value); }

 private:
  template <class T>
  void write(std::string_view name, const std::optional<T>& value) {
    json_.key(name);
    if (value) json_.number(*value);
    else json_.null();
  }
  json_writer& json_;
  json_options options_;
};

struct to_json_visitor {
  json_writer& json;
  json_options options;

  template <class T>
  void operator()(const T& m) const {
    describer out(json, options);
    if constexpr (std::derived_from<T, notification>) {
      out.text("verb", verb_of(m));
      constexpr std::string_view number_name = [] {
        if constexpr (requires { T::number_name; }) return T::number_name;
        else return std::string_view("number");
      }();
      out.text(number_name, m.number);
      if constexpr (has_credentials<T>) {
        out.text("id", m.id);
        out.secret("password", m.password);
      }
      T::fields(out, m);
      if constexpr (std::same_as<T, other_notification>)
        if (!m.text.empty()) out.text("msg", m.text);
      write_others(m);
    } else {
      out.text("verb", T::verb);
      T::fields(out, m);
    }
  }
  void operator()(const command_reply& m) const {
    describer out(json, options);
    out.text("verb", m.verb);
    out.number("sendid", m.send_id);
    out.text("text", m.text);
  }
  void operator()(const acknowledgement& m) const {
    constexpr std::string_view names[]{"OK", "ERROR", "DISABLE"};
    describer out(json, options);
    out.text("verb", m.verb);
    out.text("number", m.number);
    out.text("verdict", names[static_cast<std::size_t>(m.verdict)]);
    if (!m.message.empty()) out.text("message", m.message);
  }
  void operator()(const command_request& m) const {
    const auto& info = info_of(m.what);
    describer out(json, options);
    out.text("verb", info.verb);
    out.number("sendid", m.send_id);
    out.secret("password", m.password);
    for (std::size_t i = 0; i < info.argument_count; ++i) out.text(info.arguments[i].name, m.arguments[i]);
  }

  template <class T>
  static std::string_view verb_of(const T& m) {
    if constexpr (std::same_as<T, other_notification>) return m.verb_text;
    else return T::verb;
  }

 private:
  template <class T>
  void write_others(const T& m) const {
    bool is_open = false;
    for (const auto& each : m.others) {
      if (!each.has_value || is_member<T>(each.name)) continue;
      if (!is_open) {
        json.key("others");
        json.begin_object();
        is_open = true;
      }
      json.key(each.name);
      json.text(each.value);
    }
    if (is_open) json.end_object();
  }
};

template <class Message>
std::string write_json(const Message& m, json_options options) {
  json_writer json;
  json.begin_object();
  std::visit(to_json_visitor{json, options}, m);
  json.end_object();
  return json.take();
}

}  // namespace

std::string to_json(const device_message& m, json_options options) { return write_json(m, options); }
std::string to_json(const server_message& m, json_options options) { return write_json(m, options); }

std::string summary(const device_message& m) {
  return std::visit(
      [](const auto& each) {
        using T = std::decay_t<decltype(each)>;
        std::string out;
        if constexpr (std::derived_from<T, notification>) {
          out.append(to_json_visitor::verb_of(each)).append(" ").append(each.number);
          if (!each.id.empty()) out.append(" line ").append(each.id);
        } else {
          if constexpr (std::same_as<T, command_reply>) out.append(each.verb);
          else out.append(T::verb);
          out.append(" ").append(std::to_string(each.send_id));
        }
        return out;
      },
      m);
}

}  // namespace msgkit::goip
