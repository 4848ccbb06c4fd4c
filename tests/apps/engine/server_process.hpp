// Starts database servers and their tools for tests. These refuse to run as root, so a test that is root starts them as an
// unprivileged user.
#pragma once

#include <pwd.h>
#include <sys/types.h>

#include <string>
#include <vector>

// The first of these users that exists when we are root; null: run as who we are.
const passwd* unprivileged(const std::vector<const char*>& names);
// Output is appended to `log`; the working directory is `directory`.
pid_t launch(const std::vector<std::string>& command, const std::string& log, const std::string& directory, const passwd* user);
// Waits for the end; the exit status, 128 when a signal ended it.
int finish(pid_t pid);
// SIGSTOP, and back when no thread of it runs any more: on a loaded machine some go on for a while.
void freeze(pid_t pid);
std::string content(const std::string& path);
