#include "connectors/credential_service.hpp"

#include <asio/post.hpp>

namespace msgkit::app {

credential_check credential_service::check() {
  return [this](const std::string& stored, std::string given, std::function<void(credential_answer)> done) {
    if (verifier_.is_quick(stored, stored, given)) return done(verify(stored, given));
    if (waiting_.fetch_add(1) >= waiting_max) {
      --waiting_;
      return done(credential_answer::busy);
    }
    asio::post(workers_, [this, stored, given = std::move(given), done = std::move(done)] {
      const auto answer = verify(stored, given);
      --waiting_;
      done(answer);
    });
  };
}

void credential_service::stop() {
  workers_.stop();
  workers_.join();
}

credential_answer credential_service::verify(const std::string& stored, const std::string& given) {
  return verifier_.verify(stored, stored, given) ? credential_answer::good : credential_answer::bad;
}

}  // namespace msgkit::app
