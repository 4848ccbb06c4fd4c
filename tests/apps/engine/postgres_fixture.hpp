// One PostgreSQL server for all tests of a program, a schema of its own for each test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "engine/postgres_store.hpp"
#include "postgres_server.hpp"

// Skips visibly where PostgreSQL is missing; fails in continuous integration.
#define MSGKIT_NEEDS_POSTGRES()                                                          \
  do {                                                                                   \
    if (postgres_server::is_installed()) break;                                          \
    if (std::getenv("CI") != nullptr) FAIL() << "the package postgresql is missing";     \
    GTEST_SKIP() << "the package postgresql is missing";                                 \
  } while (false)

inline postgres_server& shared_postgres() {
  static postgres_server server;
  return server;
}

inline std::string fresh_schema() {
  static int number = 0;
  return "s" + std::to_string(++number);
}

inline msgkit::engine::postgres_store_options postgres_options(const std::string& schema, const std::string& instance = "gw1") {
  return {.dsn = shared_postgres().dsn(schema), .instance = instance};
}

inline std::unique_ptr<msgkit::engine::postgres_store> open_postgres(const msgkit::engine::postgres_store_options& o) {
  std::string why;
  auto s = msgkit::engine::postgres_store::open(o, &why);
  EXPECT_TRUE(s) << why;
  return s ? *std::move(s) : nullptr;
}
