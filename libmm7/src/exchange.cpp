#include "msgkit/mm7/exchange.hpp"

#include <algorithm>
#include <functional>

namespace msgkit::mm7 {
namespace {

struct pair {
  std::string_view request, response;
};
constexpr pair pairs[] = {
    {submit_req::name, submit_rsp::name},
    {deliver_req::name, deliver_rsp::name},
    {cancel_req::name, cancel_rsp::name},
    {extended_cancel_req::name, extended_cancel_rsp::name},
    {replace_req::name, replace_rsp::name},
    {extended_replace_req::name, extended_replace_rsp::name},
    {delivery_report_req::name, delivery_report_rsp::name},
    {read_reply_req::name, read_reply_rsp::name},
};

bool is_http_retryable(unsigned status) noexcept {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

bool is_error(const operation& o) noexcept {
  return std::holds_alternative<rs_error_rsp>(o) || std::holds_alternative<vasp_error_rsp>(o);
}

// Some answer a read reply with DeliveryReportRsp.
bool answers(const operation& response, const operation& request) noexcept {
  return name_of(response) == response_name(request) ||
         (std::holds_alternative<read_reply_req>(request) && std::holds_alternative<delivery_report_rsp>(response));
}

answer judge(answer a, const envelope& response) {
  a.status = *status_of(response.operation);
  const auto code = a.status->code;
  if (is_success(code) && response.is_fault) return a.error = make_error_code(errc::answer_mismatch), a;
  a.verdict = code == status_code::partial_success ? verdict::partial
              : is_success(code)                   ? verdict::accepted
              : is_retryable(code)                 ? verdict::try_again
                                                   : verdict::refused;
  if (const auto* s = std::get_if<submit_rsp>(&response.operation)) a.message_id = s->message_id;
  if (const auto* r = std::get_if<extended_replace_rsp>(&response.operation)) a.message_id = r->message_id;
  if (const auto* d = std::get_if<deliver_rsp>(&response.operation)) a.service_code = d->service_code;
  return a;
}

}  // namespace

std::string_view response_name(const operation& request) noexcept {
  const auto* found = std::ranges::find(pairs, name_of(request), &pair::request);
  return found == std::ranges::end(pairs) ? std::string_view{} : found->response;
}

answer read_answer(const envelope& request, unsigned http_status, std::string_view content_type, bytes_view body,
                   const limits& l) {
  answer a{.http_status = http_status};
  const auto response = decode(content_type, body, l);
  const bool has_status = response && status_of(response->envelope.operation) != nullptr;
  if (!has_status) {
    if (http_status / 100 == 2) {
      a.error = response ? make_error_code(errc::answer_mismatch) : response.error().code;
      return a;
    }
    a.error = make_error_code(errc::http_refused);
    a.verdict = is_http_retryable(http_status) ? verdict::try_again : verdict::refused;
    return a;
  }
  const auto& e = response->envelope;
  // A fault of the SOAP layer may come without the id.
  const bool id_fits = e.transaction_id == request.transaction_id || (e.is_fault && e.transaction_id.empty());
  if (!id_fits || !(is_error(e.operation) || answers(e.operation, request.operation))) {
    a.error = make_error_code(errc::answer_mismatch);
    return a;
  }
  return judge(std::move(a), e);
}

result<exchange> exchange::make(envelope request, const std::vector<mime::out_part>& parts, exchange_options options,
                                time_point now) {
  if (request.transaction_id.empty()) return fault{make_error_code(errc::transaction_id_missing), "TransactionID", 0};
  auto body = encode(request, parts);
  if (!body) return body.error();
  return exchange(std::move(request), *std::move(body), std::move(options), now);
}

exchange::exchange(envelope request, http_body body, exchange_options options, time_point now)
    : request_(std::move(request)),
      body_(std::move(body)),
      options_(std::move(options)),
      seed_(std::hash<std::string>{}(request_.transaction_id)),
      expires_(options_.expire_after.count() == 0 ? never : now + options_.expire_after),
      next_(now) {}

void exchange::begin_attempt(time_point) {
  under_way_ = true;
  ++attempts_;
}

void exchange::answered(unsigned http_status, std::string_view content_type, bytes_view body, time_point now,
                        std::chrono::seconds retry_after) {
  // A peer may ask for patience, not for ever.
  const auto patience = std::clamp(retry_after, std::chrono::seconds{0}, std::chrono::seconds{3'600});
  ended(read_answer(request_, http_status, content_type, body, options_.limits), now, patience);
}

void exchange::failed(std::error_code error, time_point now) { ended({.error = error}, now, {}); }

void exchange::ended(answer a, time_point now, std::chrono::milliseconds at_least) {
  under_way_ = false;
  const auto delay = std::max(at_least, backoff_delay(options_.retry, attempts_ == 0 ? 0 : attempts_ - 1, seed_));
  next_ = now + delay;
  const bool is_over = a.verdict != verdict::try_again || attempts_ >= options_.attempts_max || next_ >= expires_;
  if (is_over) outcome_ = std::move(a);
}

}  // namespace msgkit::mm7
