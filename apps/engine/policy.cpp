#include "engine/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/text_fold.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t pool_name_octets_max = 64;

const time_zone& utc() {
  static const time_zone zone;
  return zone;
}

}  // namespace

// ---- lists --------------------------------------------------------------------------------------------------------

number_list::number_list(std::vector<std::string> entries) {
  for (auto& e : entries) {
    const auto star = e.find('*');
    if (e.empty() || (star != std::string::npos && star + 1 != e.size()))
      throw std::invalid_argument(fmt::format("\"{}\" is neither a number nor a prefix with * at its end", e));
    if (star == std::string::npos) {
      numbers_.push_back(std::move(e));
    } else {
      e.pop_back();
      prefixes_.push_back(std::move(e));
    }
  }
  std::ranges::sort(numbers_);
  std::ranges::sort(prefixes_);
  // One that begins with another says nothing new, and without those the one before a number's place is the only candidate.
  std::vector<std::string> kept;
  for (auto& p : prefixes_)
    if (kept.empty() || !p.starts_with(kept.back())) kept.push_back(std::move(p));
  prefixes_ = std::move(kept);
}

bool number_list::contains(std::string_view number) const {
  if (std::ranges::binary_search(numbers_, number, std::less<>{})) return true;
  const auto after = std::ranges::upper_bound(prefixes_, number, std::less<>{});
  return after != prefixes_.begin() && number.starts_with(*std::prev(after));
}

// ---- quiet hours --------------------------------------------------------------------------------------------------

const time_zone& quiet_hours::zone_of(std::string_view number) const {
  const time_zone* best = zone ? zone.get() : &utc();
  std::size_t length = 0;
  for (const auto& [prefix, z] : zones)  // a handful of countries
    if (prefix.size() >= length && number.starts_with(prefix)) {
      best = z.get();
      length = prefix.size();
    }
  return *best;
}

wall_time quiet_hours::after(wall_time now, std::string_view number) const {
  if (begin == end) return now;
  const auto& z = zone_of(number);
  const auto minute = z.at(now).minute;
  const bool quiet = begin < end ? minute >= begin && minute < end : minute >= begin || minute < end;
  return quiet ? z.next(now, end) : now;
}

// ---- the whole ----------------------------------------------------------------------------------------------------

policy::policy(std::map<std::string, account_rules, std::less<>> accounts, std::vector<number_pool> pools,
               number_list block_to, number_list block_from)
    : pools_(std::move(pools)), block_to_(std::move(block_to)), block_from_(std::move(block_from)) {
  for (auto& [name, rules] : accounts) {
    if (!rules.zone) rules.zone = std::shared_ptr<const time_zone>{std::shared_ptr<void>{}, &utc()};
    joins_parts_ = joins_parts_ || rules.whole_messages;
    erases_text_ = erases_text_ || rules.erase_text;
    has_prepaid_ = has_prepaid_ || (rules.prices != nullptr && rules.prepaid);
    if (rules.quiet) {
      has_quiet_hours_ = true;
      if (rules.quiet->begin >= 1'440 || rules.quiet->end >= 1'440)
        throw std::invalid_argument(fmt::format("account \"{}\": quiet hours: outside 00:00..23:59", name));
    }
    accounts_.emplace(name, account{name, std::move(rules)});
  }
  const auto keep_owners = [](auto& owners, const account& a, const auto& numbers) {
    for (const auto& [number, limits] : numbers)
      if (const auto [at, fresh] = owners.emplace(number, &a); !fresh)
        throw std::invalid_argument(
            fmt::format("account \"{}\": number {} belongs to {} already", a.name, number, at->second->name));
  };
  for (const auto& [name, a] : accounts_) {
    keep_owners(owner_by_number_, a, a.rules.numbers);
    keep_owners(mms_owner_by_number_, a, a.rules.mms_numbers);
  }
  for (auto& pool : pools_) {
    if (pool.name.empty() || pool.name.size() > pool_name_octets_max || pool.name.find('\0') != std::string::npos)
      throw std::invalid_argument(fmt::format("pool \"{}\": name: 1..{} octets", pool.name, pool_name_octets_max));
    for (auto& set : pool.keywords)
      for (auto* words : {&set.stop, &set.start, &set.help})
        for (auto& word : *words) word = fold_text(word);
  }
  for (const auto& pool : pools_)
    for (const auto& number : pool.numbers)
      if (const auto [at, fresh] = pool_by_number_.emplace(number, &pool); !fresh)
        throw std::invalid_argument(fmt::format("pool \"{}\": number {} is in pool \"{}\" already", pool.name, number,
                                                at->second->name));
}

const policy::account* policy::find(std::string_view name) const {
  const auto at = accounts_.find(name);
  return at == accounts_.end() ? nullptr : &at->second;
}

const policy::account* policy::owner(std::string_view number) const {
  if (owner_by_number_.empty()) return nullptr;
  const auto at = owner_by_number_.find(std::string{number});
  return at == owner_by_number_.end() ? nullptr : at->second;
}

const policy::account* policy::mms_owner(std::string_view number) const {
  if (mms_owner_by_number_.empty()) return nullptr;
  const auto at = mms_owner_by_number_.find(std::string{number});
  return at == mms_owner_by_number_.end() ? nullptr : at->second;
}

const number_pool* policy::find_pool(std::string_view name) const {
  const auto at = std::ranges::find(pools_, name, &number_pool::name);
  return at == pools_.end() ? nullptr : &*at;
}

const number_pool* policy::pool_of(std::string_view number) const {
  if (pool_by_number_.empty()) return nullptr;
  const auto at = pool_by_number_.find(std::string{number});
  return at == pool_by_number_.end() ? nullptr : at->second;
}

std::vector<std::string> policy::pool_names() const {
  std::vector<std::string> out;
  for (const auto& p : pools_) out.push_back(p.name);
  return out;
}

bool policy::is_blocked(const account* from, std::string_view source, std::string_view destination) const {
  if (block_to_.contains(destination) || block_from_.contains(source)) return true;
  if (from == nullptr) return false;
  const auto& r = from->rules;
  return r.block_to.contains(destination) || r.block_from.contains(source) ||
         (!r.allow_to.empty() && !r.allow_to.contains(destination));
}

policy::meaning policy::meaning_of(const number_pool& pool, std::string_view text) {
  const auto folded = fold_text(text);
  if (folded.empty()) return {};
  for (const auto& set : pool.keywords) {
    const auto among = [&](const std::vector<std::string>& words) -> const std::string* {
      const auto at = std::ranges::find(words, folded);
      return at == words.end() ? nullptr : &*at;
    };
    if (const auto* k = among(set.stop)) return {keyword_meaning::stop, k, &set.stop_reply};
    if (const auto* k = among(set.start)) return {keyword_meaning::start, k, &set.start_reply};
    if (const auto* k = among(set.help)) return {keyword_meaning::help, k, &set.help_reply};
  }
  return {};
}

// ---- built in -----------------------------------------------------------------------------------------------------

namespace {

// English: the seven that the FCC lists (47 CFR 64.1200, in force since April 2025) and those carriers honour beside them.
const std::vector<keyword_set>& built_in() {
  static const std::vector<keyword_set> sets{
      {"en", {"stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe", "stopall", "stop all", "optout"},
       {"start", "unstop", "yes"}, {"help", "info"},
       "You are unsubscribed and will get no more messages. Reply START to get them again.",
       "You will get messages again. Reply STOP to end them.", "Reply STOP to get no more messages."},
      {"es", {"parar", "alto", "cancelar", "baja", "detener"}, {"iniciar", "alta", "comenzar"}, {"ayuda"},
       "Baja confirmada: no recibir\u00e1 m\u00e1s mensajes. Responda ALTA para volver a recibirlos.",
       "Volver\u00e1 a recibir mensajes. Responda BAJA para cancelarlos.", "Responda BAJA para no recibir m\u00e1s mensajes."},
      {"fr", {"arr\u00eat", "arret", "d\u00e9sabonner", "desabonner", "annuler"}, {"d\u00e9but", "debut", "abonner", "oui"}, {"aide"},
       "Vous ne recevrez plus de messages. R\u00e9pondez ABONNER pour en recevoir \u00e0 nouveau.",
       "Vous recevrez \u00e0 nouveau des messages. R\u00e9pondez STOP pour les arr\u00eater.", "R\u00e9pondez STOP pour ne plus recevoir de messages."},
      {"de", {"stopp", "ende", "abmelden", "abbestellen"}, {"anmelden", "weiter"}, {"hilfe"},
       "Abgemeldet: Sie erhalten keine Nachrichten mehr. Mit ANMELDEN erhalten Sie sie wieder.",
       "Sie erhalten wieder Nachrichten. Mit STOP beenden Sie das.", "Mit STOP erhalten Sie keine Nachrichten mehr."},
      {"sv", {"stopp", "avsluta", "sluta", "avregistrera"}, {"starta", "b\u00f6rja"}, {"hj\u00e4lp"},
       "Du f\u00e5r inga fler meddelanden. Svara STARTA f\u00f6r att f\u00e5 dem igen.",
       "Du f\u00e5r meddelanden igen. Svara STOPP f\u00f6r att sluta.", "Svara STOPP f\u00f6r att inte f\u00e5 fler meddelanden."},
      {"pt", {"parar", "sair", "cancelar", "remover"}, {"iniciar", "voltar"}, {"ajuda"},
       "N\u00e3o receber\u00e1 mais mensagens. Responda VOLTAR para as receber de novo.",
       "Voltar\u00e1 a receber mensagens. Responda SAIR para cancelar.", "Responda SAIR para n\u00e3o receber mais mensagens."},
      {"ru", {"\u0441\u0442\u043e\u043f", "\u043e\u0442\u043f\u0438\u0441\u043a\u0430"}, {"\u0441\u0442\u0430\u0440\u0442"},
       {"\u043f\u043e\u043c\u043e\u0449\u044c"}, "", "", ""},
  };
  return sets;
}

}  // namespace

const keyword_set* built_in_keywords(std::string_view language) {
  const auto at = std::ranges::find(built_in(), language, &keyword_set::language);
  return at == built_in().end() ? nullptr : &*at;
}

std::vector<std::string_view> built_in_keyword_languages() {
  std::vector<std::string_view> out;
  for (const auto& s : built_in()) out.push_back(s.language);
  return out;
}

}  // namespace msgkit::engine
