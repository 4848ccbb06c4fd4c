// A gateway of mmsgw: what carries messages to one peer, in whatever protocol. Everything runs on one executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mmsgw/model.hpp"

namespace msgkit::app::mms {

struct loaded_part {
  std::string id{}, name{}, type{}, content{};
};

// One recipient of a message on its way to the peer.
struct submission {
  std::shared_ptr<const message> what;
  std::shared_ptr<const std::vector<loaded_part>> parts;
  std::size_t index = 0;         // of the recipient
  std::string transaction_id{};  // the same in every attempt
};

enum class submit_verdict : std::uint8_t {
  taken,
  acknowledged,  // taken, and the answer is as good as an acknowledgement
  refused,
  try_again,
};

struct submit_result {
  submit_verdict verdict = submit_verdict::try_again;
  std::string code{}, description{};
  std::string carrier_id{};  // by which reports name the message
};

enum class answer_verdict : std::uint8_t { done, try_again, impossible };

class gateway_link {
 public:
  gateway_link(std::string name, std::string group) : name_(std::move(name)), group_(std::move(group)) {}
  virtual ~gateway_link() = default;
  gateway_link(const gateway_link&) = delete;
  gateway_link& operator=(const gateway_link&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& group() const noexcept { return group_; }

  // Calls `done` once, later.
  virtual void submit(submission s, std::function<void(submit_result)> done) = 0;
  // Whether the peer can cancel and replace what it has taken.
  [[nodiscard]] virtual bool takes_changes() const noexcept { return false; }
  // An answer about an inbound message or, when it takes changes, one of an outbound message; likewise. `parts` are the
  // new ones of a replacement.
  virtual void answer(const answer_order& a, const message& about,
                      std::shared_ptr<const std::vector<loaded_part>> parts,
                      std::function<void(answer_verdict, std::string why)> done) = 0;
  // Whether the peer answers at all; likewise.
  virtual void probe(std::function<void(bool)> done) = 0;
  // Finishes what is under way, then calls `done`.
  virtual void stop(std::function<void()> done) = 0;

 private:
  std::string name_, group_;
};

}  // namespace msgkit::app::mms
