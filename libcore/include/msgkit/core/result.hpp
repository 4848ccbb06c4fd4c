// result<T>: a value or a fault. The names follow std::expected, which C++20 does not have yet.
#pragma once

#include <cassert>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace msgkit {

// Why an operation failed. Never allocates: `field` points at a string literal (the specification's name of the
// offending field) and stays valid for the life of the program. `offset` counts octets from the start of the input.
struct fault {
  std::error_code code{};
  std::string_view field{};
  std::size_t offset = 0;

  friend bool operator==(const fault&, const fault&) = default;
};

template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit, as std::expected is
  result(fault f) : state_(std::in_place_index<1>, f) {}                 // NOLINT
  template <class E>
    requires std::is_error_code_enum_v<E>
  result(E code) : result(fault{make_error_code(code)}) {}  // NOLINT

  // Builds the value where it will stay; decoders of large PDUs avoid a copy this way.
  template <class... Args>
  explicit result(std::in_place_t, Args&&... args) : state_(std::in_place_index<0>, std::forward<Args>(args)...) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Precondition of all four: has_value().
  T& operator*() & noexcept { return value_ref(); }
  const T& operator*() const& noexcept { return const_cast<result*>(this)->value_ref(); }
  T&& operator*() && noexcept { return std::move(value_ref()); }
  T* operator->() noexcept { return &value_ref(); }
  const T* operator->() const noexcept { return &**this; }

  // Precondition: !has_value().
  [[nodiscard]] const fault& error() const noexcept {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }

 private:
  T& value_ref() noexcept {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  std::variant<T, fault> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() = default;
  result(fault f) : fault_(f) {}  // NOLINT
  template <class E>
    requires std::is_error_code_enum_v<E>
  result(E code) : result(fault{make_error_code(code)}) {}  // NOLINT

  [[nodiscard]] bool has_value() const noexcept { return !fault_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] const fault& error() const noexcept {
    assert(fault_.has_value());
    return *fault_;
  }

 private:
  std::optional<fault> fault_;
};

}  // namespace msgkit
