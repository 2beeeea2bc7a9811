#include "collector/key_owners.hpp"

#include <algorithm>

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "collector/page_answers.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

constexpr std::size_t alias_bytes_max = 64;
constexpr std::size_t owner_body_max = 1u << 20;
constexpr core::Micros quota_wait_most = std::chrono::seconds(30);  // then the walks begin without knowing

std::string alias_from(std::string_view account) {
    std::string alias(account.substr(0, alias_bytes_max));
    std::replace_if(
        alias.begin(), alias.end(), [](char c) { return !is_alias_character(c); }, '_');
    return alias;
}

PageRequest owner_request(const core::SourceFile& source) {
    PageRequest request;
    auto base = source.base_url;
    while (!base.empty() && base.back() == '/') base.pop_back();
    request.url = base + source.credentials->owner_path;
    request.own_origin = request.with_credentials = true;
    return request;
}

core::Task<std::optional<queue::Granted>> reserve_for_owner(WalkContext& context, queue::Payer payer) {
    core::Micros waited{0};
    while (waited < quota_wait_most && !context.stopping) {
        std::vector<queue::Payer> payers;
        payers.push_back(payer);
        const auto answer = co_await context.ports.quota.reserve(std::move(payers), 0);
        if (const auto* granted = std::get_if<queue::Granted>(&answer)) co_return *granted;
        const auto wait = std::clamp<core::Micros>(std::get<queue::Wait>(answer).retry_in, std::chrono::milliseconds(10),
                                                   std::chrono::seconds(1));
        co_await context.ports.clock.sleep(wait);
        waited += wait;
    }
    co_return std::nullopt;
}

core::Task<KeyOwner> ask_for_owner(WalkContext& context, std::shared_ptr<const core::SourceFile> source, Paying paying,
                                   std::string secret) {
    const auto request = owner_request(*source);
    const core::Stream nobody;
    const auto now = context.ports.clock.now();
    queue::Payer payer{paying.owner, asks_for(matching_limits(*source, nobody, request, context.costs, now), paying), paying.key};
    const auto granted = co_await reserve_for_owner(context, payer);
    if (!granted) co_return KeyOwner{"", false, "there was no quota for the question"};
    context.note_redis_time(granted->at_us);
    HttpRequest http;
    http.url = request.url;
    http.headers.emplace_back("User-Agent", "pawl/" PAWL_VERSION);
    http.body_max = owner_body_max;
    http.connect_timeout = context.options.connect_timeout;
    http.timeout = context.options.request_timeout;
    inject_credentials(*source, secret, http);
    const auto result = co_await context.ports.http.fetch(std::move(http));
    queue::Settlement settlement;
    settlement.reservation = granted->reservation;
    settlement.limits = payer.limits;
    if (const auto* response = std::get_if<HttpResponse>(&result))
        settlement.feedback = read_feedback(*source, *response, payer.limits, context.redis_now_us());
    co_await context.ports.quota.settle(std::move(settlement));
    co_return read_key_owner(*source, result);
}

}  // namespace

KeyOwner read_key_owner(const core::SourceFile& source, const HttpResult& result) {
    if (const auto* failure = std::get_if<HttpFailure>(&result)) return {"", false, failure->reason};
    const auto& response = std::get<HttpResponse>(result);
    if (response.status == 401) return {"", true, "HTTP 401"};
    if (response.status != 200) return {"", false, "HTTP " + std::to_string(response.status)};
    try {
        const auto document = core::JsonDocument::parse(response.body);
        PageAnswers answer(&document, response.headers);
        auto alias = alias_from(answer(source.credentials->owner_select).text);
        if (!alias.empty()) return {std::move(alias), false, ""};
        return {"", false, source.credentials->owner_select->text() + " is not in the answer"};
    } catch (const core::PermanentError& error) {
        return {"", false, error.what()};
    }
}

core::Task<> learn_key_owners(WalkContext& context, std::shared_ptr<const core::SourceFile> source) {
    if (!source->credentials || source->credentials->owner_path.empty()) co_return;
    try {
        auto owners = co_await context.ports.quota.owners();
        const auto refused = co_await context.ports.quota.quarantined();
        const auto accounts = context.accounts.all();
        for (const auto& account : accounts) {
            for (const auto& key : account.keys) {
                Paying paying{account.owner, alias_of(account, key)};
                if (key.owner_told || owners.contains(key.fingerprint) || refused.contains(paying.key)) continue;
                const auto told = co_await ask_for_owner(context, source, paying, key.secret);
                if (!told.owner.empty()) {
                    owners[key.fingerprint] = told.owner;
                    co_await context.ports.quota.set_owner(key.fingerprint, told.owner);
                    core::log::info("The API told whose key it is",
                                    {{"source", source->name}, {"key", paying.key}, {"owner", told.owner}});
                    continue;
                }
                core::log::warn("The API does not tell whose key it is, it counts as an account of its own",
                                {{"source", source->name}, {"key", paying.key}, {"reason", told.problem}});
            }
        }
        context.accounts.replace(regrouped(accounts, owners));
    } catch (const core::TransientError& error) {
        context.saw_redis(false, error.what());
    }
}

}  // namespace pawl::collector
