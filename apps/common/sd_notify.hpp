// The service manager's notification protocol (sd_notify(3)), without libsystemd.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace msgkit::app {

// Sends `state`, e.g. "READY=1\nSTATUS=bound", to $NOTIFY_SOCKET. False when there is none or it does not take it.
bool sd_notify(std::string_view state) noexcept;

// Half of $WATCHDOG_USEC: how often to send "WATCHDOG=1". Nothing when no watchdog watches this process.
std::optional<std::chrono::milliseconds> sd_watchdog_interval() noexcept;

}  // namespace msgkit::app
