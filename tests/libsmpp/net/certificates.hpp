// Certificates made for one test: an authority of our own, and what it signs.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <memory>
#include <string>

namespace msgkit::smpp::test {

class authority {
 public:
  // Files go to `directory`: <name>.pem, and <name>-key.pem for what is issued.
  authority(std::filesystem::path directory, const std::string& name)
      : directory_(std::move(directory)), key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    certificate_ = make(name, key_.get(), "CA:TRUE", {});
    write(certificate_.get(), name);
    file_ = directory_ / (name + ".pem");
  }
  // `names` as OpenSSL's subjectAltName has them: "IP:127.0.0.1,DNS:localhost".
  void issue(const std::string& name, const std::string& names) {
    const key_pointer key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    write(make(name, key.get(), "CA:FALSE", names).get(), name);
    const file_pointer out(std::fopen((directory_ / (name + "-key.pem")).c_str(), "w"), std::fclose);
    EXPECT_EQ(PEM_write_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  }
  [[nodiscard]] std::string file() const { return file_; }

 private:
  using key_pointer = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  using certificate_pointer = std::unique_ptr<X509, void (*)(X509*)>;
  using file_pointer = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

  certificate_pointer make(const std::string& name, EVP_PKEY* key, const char* constraints, const std::string& names) {
    certificate_pointer made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* issuer = certificate_ ? certificate_.get() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    extend(made.get(), issuer, NID_basic_constraints, constraints);
    if (!names.empty()) extend(made.get(), issuer, NID_subject_alt_name, names.c_str());
    EXPECT_GT(X509_sign(made.get(), key_.get(), EVP_sha256()), 0);
    return made;
  }
  static void extend(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void write(X509* certificate, const std::string& name) const {
    const file_pointer out(std::fopen((directory_ / (name + ".pem")).c_str(), "w"), std::fclose);
    ASSERT_NE(out, nullptr);
    EXPECT_EQ(PEM_write_X509(out.get(), certificate), 1);
  }

  std::filesystem::path directory_;
  key_pointer key_;
  certificate_pointer certificate_{nullptr, X509_free};
  std::string file_;
  long serial_ = 0;
};

}  // namespace msgkit::smpp::test
