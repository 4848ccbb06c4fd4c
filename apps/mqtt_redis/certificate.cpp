#include "mqtt_redis/certificate.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>
#include <memory>

namespace msgkit::app {

std::optional<wall_time> certificate_end(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "re"), &std::fclose);
  if (!in) return std::nullopt;
  const std::unique_ptr<X509, void (*)(X509*)> certificate(PEM_read_X509(in.get(), nullptr, nullptr, nullptr),
                                                           &X509_free);
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return std::nullopt;
  return wall_time{std::chrono::seconds{timegm(&end)}};
}

}  // namespace msgkit::app
