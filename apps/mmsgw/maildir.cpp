#include "mmsgw/maildir.hpp"

#include <filesystem>
#include <fstream>

#include "common/log.hpp"

namespace msgkit::app::mms {
namespace {

namespace fs = std::filesystem;
constexpr logger log_{"maildir"};

// What the mail server knew of the envelope: it writes these headers when it delivers.
mm4::envelope envelope_of(const mime::field_list& fields) {
  mm4::envelope e;
  if (const auto* from = fields.find("Return-Path")) e.mail_from = std::string(mime::trim(*from));
  for (const auto* name : {"X-Original-To", "Delivered-To"}) {
    if (const auto* to = fields.find(name)) {
      e.rcpt_to.emplace_back(mime::trim(*to));
      break;
    }
  }
  return e;
}

}  // namespace

class mail_file final : public mm4_arrival {
 public:
  mail_file(std::shared_ptr<maildir> owner, std::string file) : owner_(std::move(owner)), file_(std::move(file)) {}

  // Why not, when it is no message.
  std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    octets_.assign(std::istreambuf_iterator<char>(in), {});
    auto found = mm4::decode(octets_, owner_->options_.profile, owner_->options_.limits);
    if (!found)
      return found.error().code.message() +
             (found.error().field.empty() ? "" : ": " + std::string(found.error().field));
    decoded_ = *std::move(found);
    envelope_ = envelope_of(decoded_.document.message().fields);
    return {};
  }

  [[nodiscard]] const std::string& gateway() const override { return owner_->options_.gateway; }
  [[nodiscard]] const mm4::peer_profile& profile() const override { return owner_->options_.profile; }
  [[nodiscard]] const mm4::envelope& envelope() const override { return envelope_; }
  [[nodiscard]] const mm4::message& message() const override { return decoded_.message; }
  [[nodiscard]] const mime::document& document() const override { return decoded_.document; }
  void accept(const std::string&) override { owner_->finish(file_); }
  void refuse(const mm4::smtp::reply& r) override {
    if (r.is_permanent()) owner_->reject(file_, r.text());
    else owner_->offered_.erase(file_);
  }

 private:
  std::shared_ptr<maildir> owner_;
  std::string file_;
  byte_vector octets_;
  mm4::decoded decoded_;
  mm4::envelope envelope_;
};

maildir::maildir(asio::any_io_executor executor, maildir_options options, std::shared_ptr<mm4_intake> intake)
    : options_(std::move(options)), intake_(std::move(intake)), timer_(std::move(executor)) {}

bool maildir::start(std::string& why) {
  for (const auto* name : {"tmp", "new", "cur", "refused"}) {
    std::error_code ec;
    fs::create_directories(fs::path(options_.directory) / name, ec);
    if (ec) return why = options_.directory + ": " + ec.message(), false;
  }
  look();
  return true;
}

void maildir::stop() {
  is_stopped_ = true;
  timer_.cancel();
}

void maildir::look() {
  std::error_code ec;
  for (fs::directory_iterator at(fs::path(options_.directory) / "new", ec), end;
       !ec && at != end && offered_.size() < options_.batch; at.increment(ec)) {
    const auto name = at->path().filename().string();
    std::error_code no_file;
    // A link could lead anywhere.
    if (fs::is_regular_file(fs::symlink_status(at->path(), no_file)) && offered_.insert(name).second) offer(name);
  }
  if (ec) log_.error("a Maildir cannot be read", {{"directory", options_.directory}, {"reason", ec.message()}});
  timer_.expires_after(options_.interval);
  timer_.async_wait([self = shared_from_this()](std::error_code cut) {
    if (!cut && !self->is_stopped_) self->look();
  });
}

void maildir::offer(const std::string& file) {
  const auto path = fs::path(options_.directory) / "new" / file;
  std::error_code ec;
  const auto size = fs::file_size(path, ec);
  if (ec || size > options_.limits.message_bytes_max) return reject(file, ec ? ec.message() : "too large");
  const auto mail = std::make_shared<mail_file>(shared_from_this(), file);
  if (const auto why = mail->read(path); !why.empty()) return reject(file, why);
  intake_->take(mail);
}

// After a crash before this the mail comes again, and is recognised by its message id.
void maildir::finish(const std::string& file) {
  std::error_code ec;
  fs::remove(fs::path(options_.directory) / "new" / file, ec);
  if (ec) log_.error("a mail that was taken cannot be removed", {{"file", file}, {"reason", ec.message()}});
  else offered_.erase(file);  // otherwise it would be taken for a repetition again and again
}

void maildir::reject(const std::string& file, const std::string& why) {
  log_.warn("a mail was refused", {{"gateway", options_.gateway}, {"file", file}, {"reason", why}});
  std::error_code ec;
  const fs::path directory = options_.directory;
  fs::rename(directory / "new" / file, directory / "refused" / file, ec);
  if (ec) log_.error("a refused mail cannot be moved", {{"file", file}, {"reason", ec.message()}});
  else offered_.erase(file);
}

}  // namespace msgkit::app::mms
