#include "common/health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace msgkit::app {
namespace {

using ::testing::HasSubstr;

struct Health : ::testing::Test {
  Health() { add_health_routes(router, health, values); }
  http_response get(std::string_view path) {
    http_request r;
    r.method = "GET";
    r.path = path;
    auto admission = router.admit(r);
    http_response out;
    if (admission.refusal) return *admission.refusal;
    router.run(admission.tag, r, http_responder([&out](http_response given) { out = std::move(given); }));
    return out;
  }
  health_registry health;
  metrics values;
  http_router router;
};

TEST_F(Health, IsAliveWhateverItsDependenciesDo) {
  const auto token = health.add("store", [] { return readiness{false, "down"}; });
  EXPECT_EQ(get("/health").status, 200u);
}

TEST_F(Health, IsReadyWhenEveryCheckIs) {
  EXPECT_EQ(get("/ready").status, 200u);
  bool bound = true;
  const auto store = health.add("store", [] { return readiness{}; });
  auto carriers = health.add("carriers", [&] { return readiness{bound, "1 of 1 bound"}; });
  EXPECT_EQ(get("/ready").body,
            R"({"checks":{"carriers":{"detail":"1 of 1 bound","ok":true},"store":{"detail":"","ok":true}},"ready":true})");
  bound = false;
  const auto response = get("/ready");
  EXPECT_EQ(response.status, 503u);
  EXPECT_THAT(response.body, HasSubstr(R"("carriers":{"detail":"1 of 1 bound","ok":false})"));
  carriers.reset();
  EXPECT_EQ(get("/ready").status, 200u);
}

TEST_F(Health, IsNotReadyWhileDraining) {
  health.set_draining();
  EXPECT_EQ(get("/ready").status, 503u);
  EXPECT_EQ(get("/health").status, 200u);
}

TEST_F(Health, ShowsMetrics) {
  values.counter("a_total", "A.").add(3);
  const auto response = get("/metrics");
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("a_total 3"));
}

}  // namespace
}  // namespace msgkit::app
