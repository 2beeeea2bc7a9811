#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/http.hpp"
#include "tests/simulation/network.hpp"

namespace pawl::simulation {

/// An API of things in three lists, and the details of each thing. It counts what it was asked, holds everyone to a window
/// of requests, and loses its temper as fate wills. Records may come and go between two pages; those that are there from
/// first to last are what must be stored.
class Api {
  public:
    static constexpr std::int64_t window_us = 10'000'000;
    static constexpr int allowed = 60;  // requests per window

    Api(Fate& fate, Timeline& timeline, const Chances& chances, int lists, int things);

    /// GET url, at the moment it arrives.
    [[nodiscard]] collector::HttpResult answer(const std::string& url);

    [[nodiscard]] const std::set<int>& lasting(const std::string& list) const { return lasting_.at(list); }
    [[nodiscard]] std::set<int> lasting_of_all() const;
    /// Records that came to `list` or went from it between the first and the last page by place that was asked for.
    [[nodiscard]] int moves(const std::string& list) const { return moves_.at(list).last - moves_.at(list).first.value_or(0); }
    /// Whether `list` ever changed its order.
    [[nodiscard]] bool reordered(const std::string& list) const { return reordered_.contains(list); }
    /// Pages that were answered, also by saying that the cursor expired.
    [[nodiscard]] std::int64_t served() const { return served_; }
    [[nodiscard]] std::int64_t refused() const { return refused_; }
    [[nodiscard]] std::int64_t asked() const { return asked_; }

  private:
    collector::HttpResponse route(const std::string& url);
    collector::HttpResponse page(const std::string& list, int after);
    collector::HttpResponse ranked(const std::string& list, std::size_t offset);
    collector::HttpResponse detail(int thing);
    [[nodiscard]] std::set<int> all_of(const std::string& list) const;
    void drift();
    void reorder();
    void add_headers(collector::HttpResponse& response) const;

    Fate& fate_;
    Timeline& timeline_;
    const Chances& chances_;
    struct Moves {
        int so_far = 0, last = 0;
        std::optional<int> first;
    };
    std::map<std::string, std::set<int>> lasting_, passing_;  // by list
    std::map<std::string, Moves> moves_;
    std::set<std::string> reordered_, backwards_;
    std::int64_t window_ = 0, used_ = 0;
    std::int64_t served_ = 0, refused_ = 0, asked_ = 0;
};

/// One process's way to the API.
class ApiHttp final : public collector::Http {
  public:
    ApiHttp(Api& api, Fate& fate, core::Clock& clock) : api_(api), fate_(fate), clock_(clock) {}
    core::Task<collector::HttpResult> fetch(collector::HttpRequest request) override;

  private:
    Api& api_;
    Fate& fate_;
    core::Clock& clock_;
};

/// The source file that collects all of it: a keyed table, a keyless one, a child stream, and the lists twice more by
/// offset, with a key and without, which come apart where records come and go.
inline constexpr const char* source_text = R"(
source: sim
base_url: https://sim.test
limits: [{name: core, per: source, rate: 60/10s}]
feedback: {limit: x-limit, remaining: x-remaining, reset: {header: x-reset, format: epoch}}
errors: [{status: 5xx, do: retry, attempts: 1000, wait: 100ms..2s}]
streams:
  things:
    foreach: {list: [a, b, c], as: list_name}
    path: /things/{list_name}
    paginate: {cursor: {next: $.next, into: query.after}}
    records: $.things[*]
    emit:
      - {table: thing, key: thing_id, set: {thing_id: $.id, list_name: list.list_name}}
      - {table: sighting, set: {thing_id: $.id, list_name: list.list_name}}
  details:
    foreach: {stream: things}
    path: /detail/{thing_id}
    emit: {table: detail, key: thing_id, set: {thing_id: $.id, text: $.text}}
  ranks:
    foreach: {list: [a, b, c], as: list_name}
    path: /ranked/{list_name}
    paginate: {offset: {limit: 3}}
    records: $.things[*]
    emit: {table: rank, key: thing_id, set: {thing_id: $.id, list_name: list.list_name}}
  places:
    foreach: {list: [a, b, c], as: list_name}
    path: /placed/{list_name}
    paginate: {offset: {limit: 3, total: $.total}}
    records: $.things[*]
    emit: {table: place, set: {thing_id: $.id, list_name: list.list_name}}
schedule: {every: 365d}
)";

}  // namespace pawl::simulation
