#include "tests/simulation/api.hpp"

#include <algorithm>

#include "tests/fakes/memory_http.hpp"

namespace pawl::simulation {

using collector::HttpFailure;
using collector::HttpResponse;
using collector::HttpResult;

namespace {

constexpr std::size_t page_size = 2, rank_page_size = 3;
constexpr std::int64_t begin_s = 1'800'000'000;

HttpResponse with_body(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    response.wire_bytes = response.body.size();
    return response;
}

}  // namespace

Api::Api(Fate& fate, Timeline& timeline, const Chances& chances, int lists, int things)
    : fate_(fate), timeline_(timeline), chances_(chances) {
    for (int list = 0; list < lists; ++list) {
        const std::string name(1, static_cast<char>('a' + list));
        const auto count = static_cast<int>(fate_.random().next() % static_cast<std::uint64_t>(things + 1));
        lasting_[name];
        for (int i = 0; i < count; ++i) lasting_[name].insert(1000 * (list + 1) + 10 * i);
        passing_[name];
        moves_[name];
    }
}

std::set<int> Api::lasting_of_all() const {
    std::set<int> all;
    for (const auto& [list, things] : lasting_) all.insert(things.begin(), things.end());
    return all;
}

HttpResult Api::answer(const std::string& url) {
    ++asked_;
    if (const auto window = timeline_.now_us() / window_us; window != window_) {
        window_ = window;
        used_ = 0;
    }
    if (used_ >= allowed) {
        ++refused_;
        auto response = with_body(429, "");
        response.headers.emplace_back("retry-after", "2");
        add_headers(response);
        return response;
    }
    ++used_;
    if (fate_.strikes(Fault::api_refuses, chances_.refuse, timeline_.now_ms(), url)) {
        auto response = with_body(429, "");
        response.headers.emplace_back("retry-after", "1");
        add_headers(response);
        return response;
    }
    if (fate_.strikes(Fault::api_breaks, chances_.break_, timeline_.now_ms(), url)) {
        switch (fate_.random().next() % 4) {
            case 0:
                return HttpFailure{HttpFailure::Kind::truncated, "cut off", true};
            case 1:
                return HttpFailure{HttpFailure::Kind::timeout, "no answer", true};
            case 2:
                return with_body(200, "{\"things\": [{\"id\": 1");
            default:
                return with_body(503, "");
        }
    }
    drift();
    reorder();
    const bool expired = url.find("after=") != std::string::npos &&
                         fate_.strikes(Fault::api_expires, chances_.expire, timeline_.now_ms(), url);
    auto response = expired ? with_body(410, "") : route(url);
    add_headers(response);
    ++served_;
    return response;
}

HttpResponse Api::route(const std::string& url) {
    const auto behind = [&](std::string_view mark) -> std::optional<std::string> {
        const auto at = url.find(mark);
        if (at == std::string::npos) return std::nullopt;
        return url.substr(at + mark.size());
    };
    if (const auto thing = behind("/detail/")) return detail(std::stoi(*thing));
    if (const auto list = behind("/ranked/"))
        return ranked(list->substr(0, 1), static_cast<std::size_t>(std::stoi(behind("offset=").value_or("0"))));
    if (const auto list = behind("/placed/")) {
        auto& moves = moves_[list->substr(0, 1)];
        moves.last = moves.so_far;
        if (!moves.first) moves.first = moves.so_far;
        return ranked(list->substr(0, 1), static_cast<std::size_t>(std::stoi(behind("offset=").value_or("0"))));
    }
    return page(behind("/things/").value().substr(0, 1), std::stoi(behind("after=").value_or("0")));
}

std::set<int> Api::all_of(const std::string& list) const {
    auto all = lasting_.at(list);
    all.insert(passing_.at(list).begin(), passing_.at(list).end());
    return all;
}

// By place: what comes and goes moves what is behind it.
HttpResponse Api::ranked(const std::string& list, std::size_t offset) {
    std::string things;
    std::size_t place = 0;
    const auto all = all_of(list);
    std::vector<int> in_order(all.begin(), all.end());
    if (backwards_.contains(list)) std::reverse(in_order.begin(), in_order.end());
    for (const int thing : in_order) {
        if (place >= offset && place < offset + rank_page_size)
            things += (things.empty() ? "" : ", ") + std::string("{\"id\": ") + std::to_string(thing) + "}";
        ++place;
    }
    return with_body(200, "{\"total\": " + std::to_string(place) + ", \"things\": [" + things + "]}");
}

// Keyset: what comes behind `after`, whatever came and went before it.
HttpResponse Api::page(const std::string& list, int after) {
    const auto all = all_of(list);
    std::string things, next = "null";
    std::size_t count = 0;
    for (auto thing = all.upper_bound(after); thing != all.end(); ++thing) {
        if (count == page_size) break;
        things += (count++ == 0 ? "" : ", ") + std::string("{\"id\": ") + std::to_string(*thing) + "}";
        next = std::next(thing) == all.end() ? "null" : "\"" + std::to_string(*thing) + "\"";
    }
    return with_body(200, "{\"things\": [" + things + "], \"next\": " + next + "}");
}

HttpResponse Api::detail(int thing) {
    return with_body(200, "{\"id\": " + std::to_string(thing) + ", \"text\": \"about " + std::to_string(thing) + "\"}");
}

void Api::drift() {
    if (!fate_.strikes(Fault::api_drifts, chances_.drift, timeline_.now_ms(), "")) return;
    auto list = passing_.begin();
    std::advance(list, static_cast<std::ptrdiff_t>(fate_.random().next() % passing_.size()));
    const auto thing = 1000 * static_cast<int>(std::distance(passing_.begin(), list) + 1) + 5 +
                       10 * static_cast<int>(fate_.random().next() % 8);
    ++moves_[list->first].so_far;
    if (list->second.erase(thing) == 0) list->second.insert(thing);
}

void Api::reorder() {
    if (!fate_.strikes(Fault::api_reorders, chances_.reorder, timeline_.now_ms(), "")) return;
    auto list = passing_.begin();
    std::advance(list, static_cast<std::ptrdiff_t>(fate_.random().next() % passing_.size()));
    reordered_.insert(list->first);
    if (backwards_.erase(list->first) == 0) backwards_.insert(list->first);
}

void Api::add_headers(HttpResponse& response) const {
    response.headers.emplace_back("x-limit", std::to_string(allowed));
    response.headers.emplace_back("x-remaining", std::to_string(std::max<std::int64_t>(0, allowed - used_)));
    response.headers.emplace_back("x-reset", std::to_string(begin_s + (window_ + 1) * window_us / 1'000'000));
}

core::Task<HttpResult> ApiHttp::fetch(collector::HttpRequest request) {
    const auto way = [this] { return core::Micros(static_cast<std::int64_t>(fate_.random().fraction() * 50'000)); };
    const auto there = way();
    co_await clock_.sleep(there);
    auto result = api_.answer(request.url);
    const auto back = way();
    co_await clock_.sleep(back);
    co_return test::as_delivered(std::move(result), request);
}

}  // namespace pawl::simulation
