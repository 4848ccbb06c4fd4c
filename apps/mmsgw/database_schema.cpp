#include <fmt/format.h>

#include "mmsgw/database.hpp"

namespace msgkit::app::mms {

std::string schema_of(const sql_dialect& d) {
  using namespace fmt::literals;
  return fmt::format(R"(
  CREATE TABLE instance(id TEXT PRIMARY KEY, seen_ms BIGINT NOT NULL){unordered};
  CREATE TABLE template(id TEXT PRIMARY KEY, changed_ms BIGINT NOT NULL, body TEXT NOT NULL){unordered};
  CREATE TABLE part(id TEXT PRIMARY KEY, changed_ms BIGINT NOT NULL, body TEXT NOT NULL){unordered};
  CREATE TABLE message(id TEXT PRIMARY KEY, created_ms BIGINT NOT NULL, inbound BIGINT NOT NULL, body TEXT NOT NULL,
                       contents {octets});
  CREATE INDEX message_created ON message(created_ms);
  CREATE TABLE recipient(message_id TEXT NOT NULL, n BIGINT NOT NULL, number TEXT NOT NULL, role BIGINT NOT NULL,
                         state BIGINT NOT NULL, attempts BIGINT NOT NULL, due_ms BIGINT NOT NULL, grp TEXT NOT NULL,
                         carrier_id TEXT, owner TEXT, routed BIGINT NOT NULL DEFAULT 0, PRIMARY KEY(message_id, n)){unordered};
  CREATE INDEX recipient_due ON recipient(grp, due_ms) WHERE state = 0;
  CREATE INDEX recipient_sending ON recipient(owner) WHERE state = 1;
  CREATE INDEX recipient_carrier ON recipient(carrier_id) WHERE carrier_id IS NOT NULL;
  CREATE TABLE event(n {serial}, message_id TEXT NOT NULL, body TEXT NOT NULL);
  CREATE INDEX event_message ON event(message_id, n);
  CREATE TABLE media(id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL, content {octets} NOT NULL);
  CREATE TABLE media_use(owner TEXT NOT NULL, media_id TEXT NOT NULL, PRIMARY KEY(owner, media_id)){unordered};
  CREATE INDEX media_use_media ON media_use(media_id);
  CREATE TABLE inbound(peer TEXT NOT NULL, peer_ref TEXT NOT NULL, recipient TEXT NOT NULL, message_id TEXT NOT NULL,
                       at_ms BIGINT NOT NULL, PRIMARY KEY(peer, peer_ref, recipient)){unordered};
  CREATE TABLE early(n {serial}, carrier_id TEXT NOT NULL, at_ms BIGINT NOT NULL, body TEXT NOT NULL);
  CREATE INDEX early_carrier ON early(carrier_id);
  CREATE TABLE callback(id TEXT PRIMARY KEY, url TEXT NOT NULL, body TEXT NOT NULL, attempts BIGINT NOT NULL,
                        due_ms BIGINT NOT NULL, dead BIGINT NOT NULL, owner TEXT){unordered};
  CREATE INDEX callback_due ON callback(due_ms) WHERE dead = 0;
  CREATE TABLE answer(id TEXT PRIMARY KEY, message_id TEXT NOT NULL, gateway TEXT NOT NULL, kind BIGINT NOT NULL,
                      recipient TEXT NOT NULL, code TEXT NOT NULL, description TEXT NOT NULL, attempts BIGINT NOT NULL,
                      due_ms BIGINT NOT NULL, owner TEXT){unordered};
  CREATE INDEX answer_due ON answer(gateway, due_ms);
  )",
                     "octets"_a = d.octets, "unordered"_a = d.unordered, "serial"_a = d.serial);
}

}  // namespace msgkit::app::mms
