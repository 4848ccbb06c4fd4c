#include "msggw/import/gomsggw_source.hpp"

#include <libpq-fe.h>
#include <openssl/evp.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "common/http_auth.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view sqlite_magic = "SQLite format 3";

class sqlite_source final : public gomsggw_source {
 public:
  explicit sqlite_source(sqlite3* db) : db_(db, &sqlite3_close) {}

  std::optional<std::vector<import_row>> read(std::string_view table, std::string& why) override {
    const auto name = std::string(table);
    std::vector<import_row> rows;
    if (!exists(name)) return rows;
    sqlite3_stmt* s = nullptr;
    sqlite3_prepare_v2(db_.get(), ("SELECT * FROM \"" + name + "\" ORDER BY id").c_str(), -1, &s, nullptr);
    int rc = SQLITE_ERROR;
    while (s != nullptr && (rc = sqlite3_step(s)) == SQLITE_ROW) {
      auto& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(s); ++i)
        if (const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(s, i)))
          row[sqlite3_column_name(s, i)] = text;
    }
    sqlite3_finalize(s);
    if (rc == SQLITE_DONE) return rows;
    why = name + ": " + sqlite3_errmsg(db_.get());
    return std::nullopt;
  }

 private:
  bool exists(const std::string& table) {
    sqlite3_stmt* s = nullptr;
    sqlite3_prepare_v2(db_.get(), "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1", -1, &s, nullptr);
    sqlite3_bind_text(s, 1, table.c_str(), -1, SQLITE_STATIC);
    const bool found = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return found;
  }
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db_;
};

class postgres_source final : public gomsggw_source {
 public:
  explicit postgres_source(PGconn* c) : connection_(c, &PQfinish) {}

  std::optional<std::vector<import_row>> read(std::string_view table, std::string& why) override {
    const auto name = std::string(table);
    std::vector<import_row> rows;
    const auto there = ask("SELECT to_regclass('\"" + name + "\"')");
    if (PQresultStatus(there.get()) == PGRES_TUPLES_OK && PQgetisnull(there.get(), 0, 0) == 1) return rows;
    const auto all = ask("SELECT * FROM \"" + name + "\" ORDER BY id");
    if (PQresultStatus(all.get()) != PGRES_TUPLES_OK) {
      why = name + ": " + PQerrorMessage(connection_.get());
      return std::nullopt;
    }
    for (int r = 0; r < PQntuples(all.get()); ++r) {
      auto& row = rows.emplace_back();
      for (int i = 0; i < PQnfields(all.get()); ++i)
        if (PQgetisnull(all.get(), r, i) == 0) row[PQfname(all.get(), i)] = PQgetvalue(all.get(), r, i);
    }
    return rows;
  }

 private:
  using answer = std::unique_ptr<PGresult, decltype(&PQclear)>;
  answer ask(const std::string& sql) { return {PQexec(connection_.get(), sql.c_str()), &PQclear}; }
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

std::unique_ptr<gomsggw_source> open_file(const std::string& path, std::string& why) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    why = path + ": cannot be read";
    return nullptr;
  }
  std::string text(sqlite_magic.size(), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  sqlite3* db = nullptr;
  if (text == sqlite_magic) {
    const int rc = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    auto opened = std::make_unique<sqlite_source>(db);
    if (rc == SQLITE_OK) return opened;
    why = path + ": " + sqlite3_errstr(rc);
    return nullptr;
  }
  file.clear();
  file.seekg(0);
  text.assign(std::istreambuf_iterator<char>(file), {});
  sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  auto loaded = std::make_unique<sqlite_source>(db);
  if (sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return loaded;
  why = path + ": is neither a SQLite file nor a dump of one: " + sqlite3_errmsg(db);
  return nullptr;
}

bool is_readable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    bool ill_formed = false;
    const auto c = next_code_point(text, i, ill_formed);
    if (ill_formed || c < ' ' || c == 0x7F) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<gomsggw_source> open_gomsggw(const std::string& where, std::string& why) {
  const bool is_dsn = where.starts_with("postgres://") || where.starts_with("postgresql://") ||
                      (where.find('=') != std::string::npos && where.find('/') != 0);
  if (!is_dsn) return open_file(where, why);
  PGconn* c = PQconnectdb(where.c_str());
  auto opened = std::make_unique<postgres_source>(c);
  if (PQstatus(c) == CONNECTION_OK) return opened;
  why = PQerrorMessage(c);
  return nullptr;
}

std::optional<std::string> open_gomsggw_secret(std::string_view sealed, std::string_view key) {
  constexpr std::size_t vector_octets = 16;
  const auto octets = base64_decode(sealed);
  if (!octets || octets->size() < vector_octets) return std::nullopt;
  std::array<unsigned char, 32> cipher_key{};
  std::copy_n(key.begin(), std::min(key.size(), cipher_key.size()), cipher_key.begin());
  const auto* in = reinterpret_cast<const unsigned char*>(octets->data());
  std::string text(octets->size() - vector_octets, '\0');
  int written = 0;
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free};
  if (EVP_DecryptInit_ex(context.get(), EVP_aes_256_cfb128(), nullptr, cipher_key.data(), in) != 1) return std::nullopt;
  if (EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(text.data()), &written, in + vector_octets,
                        static_cast<int>(text.size())) != 1)
    return std::nullopt;
  if (!is_readable(text)) return std::nullopt;
  return text;
}

}  // namespace msgkit::app
