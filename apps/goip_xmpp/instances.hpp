// The instances of goip_xmpp on a machine: one configuration file each, run by systemd as goip_xmpp.service (the file
// goip_xmpp.toml) or goip_xmpp@NAME.service (the file NAME.toml).
#pragma once

#include <string>
#include <string_view>

namespace msgkit::app {

struct instance_place {
  std::string directory = "/etc/goip_xmpp";  // of the configuration files
  bool use_systemd = true;
};

std::string_view sample_config();

// Each prints what it did, or why not on standard error, and returns an exit code. An empty name is the base instance.
int write_sample(const std::string& file);  // empty: standard output; an existing file stays
// Writes NAME.toml as a copy of the base configuration (or of the sample) with ports and files of its own, and
// enables and starts the service.
int install_instance(const instance_place& place, const std::string& name);
// Stops and disables the service and deletes NAME.toml; the base configuration and all data stay.
int uninstall_instance(const instance_place& place, const std::string& name);
int list_instances(const instance_place& place);

}  // namespace msgkit::app
