#include "app/undo.hpp"

#include <algorithm>

#include "app/failure.hpp"
#include "app/reach.hpp"
#include "app/suggestion.hpp"
#include "app/text_table.hpp"

namespace pawl::app {

namespace {

constexpr std::size_t slices_per_forget = 500;

void require_known(const std::string& what, const std::string& name, const std::vector<std::string>& all) {
    if (std::find(all.begin(), all.end(), name) != all.end()) return;
    std::string text = what + " '" + name + "'";
    if (const auto meant = nearest(name, all)) throw UsageError(text + "; did you mean '" + *meant + "'?");
    std::string names;
    for (const auto& other : all) names += (names.empty() ? "" : ", ") + other;
    throw UsageError(text + (names.empty() ? "" : " (there is: " + names + ")"));
}

}  // namespace

ChosenStreams choose_streams(Session& session, storage::KnownStreams& known, const std::vector<std::string>& names) {
    ChosenStreams chosen;
    chosen.source = names.front();
    const auto sources = session.wait_for(known.sources());
    require_known("the catalogue knows no source", chosen.source, sources);
    const auto streams = session.wait_for(known.streams(chosen.source));
    chosen.is_whole = names.size() == 1;
    if (chosen.is_whole) chosen.streams = streams;
    for (std::size_t i = 1; i < names.size(); ++i) {
        require_known("the catalogue knows of source '" + chosen.source + "' no stream", names[i], streams);
        if (std::find(chosen.streams.begin(), chosen.streams.end(), names[i]) == chosen.streams.end())
            chosen.streams.push_back(names[i]);
    }
    return chosen;
}

std::vector<storage::KnownStream> count_streams(Session& session, storage::KnownStreams& known, const ChosenStreams& chosen) {
    std::vector<storage::KnownStream> counted;
    for (const auto& stream : chosen.streams) counted.push_back(session.wait_for(known.stream(chosen.source, stream)));
    return counted;
}

std::string named(const ChosenStreams& chosen) {
    if (chosen.is_whole) return chosen.source;
    std::string names;
    for (const auto& stream : chosen.streams) names += (names.empty() ? "" : ", ") + chosen.source + "." + stream;
    return names;
}

std::string amount(std::int64_t number, const std::string& noun) {
    return grouped(number) + " " + noun + (number == 1 ? "" : "s");
}

RedisSide::RedisSide(Session& session, const std::string& source, core::Token instance)
    : session_(session),
      connection_(session.redis()),
      frontiers_(connection_, source, *session.telemetry, session.random, session.settings.redis.queue_bytes_max) {
    session_.wait_for(reach_redis(session_, connection_));
    const auto held = session_.wait_for(frontiers_.instance());
    if (held && held->instance != instance)
        throw core::ConfigError("the Redis at " + session_.redis_address() +
                                " belongs to another catalogue than the Postgres at " + session_.postgres_address() +
                                ": name the one that belongs to it with --redis URL");
}

void RedisSide::forget(std::vector<core::SliceId> slices) {
    for (std::size_t i = 0; i < slices.size(); i += slices_per_forget) {
        const auto end = slices.begin() + static_cast<std::ptrdiff_t>(std::min(slices.size(), i + slices_per_forget));
        const std::vector<core::SliceId> some(slices.begin() + static_cast<std::ptrdiff_t>(i), end);
        made(session_, [&] { return frontiers_.forget(some); });
    }
}

}  // namespace pawl::app
