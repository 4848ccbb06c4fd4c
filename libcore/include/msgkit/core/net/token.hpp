// One place for the spellings of Asio's completion tokens, which moved out of `experimental` after 1.22.
#pragma once

#include <asio/associated_cancellation_slot.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/version.hpp>
#if ASIO_VERSION >= 102400
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

namespace msgkit {

#if ASIO_VERSION >= 102400
constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
#else
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
#endif

}  // namespace msgkit
