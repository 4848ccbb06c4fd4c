#include <algorithm>
#include <map>

#include "msggw/directory/document_store.hpp"

namespace msgkit::app {
namespace {

class memory_document_store final : public document_store {
 public:
  store_outcome load(contents& out) override {
    out = {version_, last_id_, {}};
    for (const auto& [key, body] : documents_) out.documents.push_back({key.first, key.second, body});
    return store_outcome::done;
  }
  store_outcome version(std::uint64_t& out) override {
    out = version_;
    return store_outcome::done;
  }
  store_outcome commit(std::uint64_t expected, std::uint64_t last_id, std::span<const document_change> changes,
                       std::span<const audit_entry> audit) override {
    if (expected != version_) return store_outcome::conflict;
    for (const auto& c : changes) {
      if (c.body) documents_[{c.kind, c.id}] = *c.body;
      else documents_.erase({c.kind, c.id});
    }
    audit_.insert(audit_.end(), audit.begin(), audit.end());
    last_id_ = last_id;
    ++version_;
    return store_outcome::done;
  }
  store_outcome audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out) override {
    out.clear();
    for (auto i = audit_.rbegin(); i != audit_.rend() && out.size() < limit; ++i)
      if (before == 0 || i->version < before) out.push_back(*i);
    return store_outcome::done;
  }
  std::string error_text() const override { return {}; }

 private:
  std::uint64_t version_ = 0, last_id_ = 0;
  std::map<std::pair<std::string, std::uint64_t>, std::string> documents_;
  std::vector<audit_entry> audit_;
};

}  // namespace

std::unique_ptr<document_store> make_memory_document_store() { return std::make_unique<memory_document_store>(); }

}  // namespace msgkit::app
