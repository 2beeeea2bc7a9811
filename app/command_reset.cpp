// pawl reset: all of a stream is asked for again, what is stored stays.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/asking.hpp"
#include "app/commands.hpp"
#include "app/reach.hpp"
#include "app/text_table.hpp"
#include "app/undo.hpp"
#include "storage/stream_reset.hpp"

namespace pawl::app {

namespace {

std::string told_requests(const std::vector<storage::KnownStream>& streams) {
    double requests = 0;
    bool is_known = true;
    for (const auto& stream : streams) {
        if (!stream.pages_per_walk && stream.partitions_active > 0) is_known = false;
        requests += static_cast<double>(stream.partitions_active) * stream.pages_per_walk.value_or(1);
    }
    const auto number = amount(std::llround(requests), "request");
    return is_known ? "About " + number + ", judging by the last walks."
                    : "At least " + number + ": of some no walk has ended yet.";
}

std::string question_of(const ChosenStreams& chosen, const std::vector<storage::KnownStream>& streams) {
    std::int64_t partitions = 0, open = 0, pages = 0;
    for (const auto& stream : streams) {
        partitions += stream.partitions_active;
        open += stream.slices_open;
        pages += stream.pages_open;
    }
    return fmt::format(
        "Reset {}: {} from page one, {} (of which {} already stored) end as cancelled. Rows, ledger and dead "
        "letters stay. {}",
        named(chosen), amount(partitions, "partition") + (partitions == 1 ? " is asked for again" : " are asked for again"),
        amount(open, "open slice"), amount(pages, "page") + (pages == 1 ? " is" : " are"), told_requests(streams));
}

}  // namespace

core::ExitCode reset(const Invocation& invocation) {
    Session session(invocation);
    session.settings.migrate = false;
    const auto instance = session.wait_for(reach_postgres(session));
    storage::KnownStreams known(session.postgres);
    const auto chosen = choose_streams(session, known, invocation.names);
    if (!is_wanted(question_of(chosen, count_streams(session, known, chosen)), invocation.yes)) return core::ExitCode::failure;
    RedisSide redis(session, chosen.source, instance);
    storage::StreamReset streams(session.postgres);
    std::int64_t due = 0, cancelled = 0;
    for (const auto& stream : chosen.streams) {
        redis.forget(made(session, [&] { return streams.untold(chosen.source, stream); }));
        std::optional<std::string> after;
        do {
            auto step = made(session, [&] { return streams.step(chosen.source, stream, after); });
            due += step.partitions;
            cancelled += static_cast<std::int64_t>(step.cancelled.size());
            redis.forget(std::move(step.cancelled));
            after = std::move(step.after);
        } while (after);
    }
    if (invocation.json) {
        std::cout << nlohmann::ordered_json{{"partitions", due}, {"cancelled", cancelled}}.dump() << '\n';
        return core::ExitCode::ok;
    }
    std::cout << amount(due, "partition") << " due, " << amount(cancelled, "slice")
              << " cancelled. A running service takes them up; "
              << "else: pawl backfill " << chosen.source << '\n';
    return core::ExitCode::ok;
}

}  // namespace pawl::app
