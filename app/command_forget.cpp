// pawl forget: what pawl knows of streams is removed; the tables they wrote only where that is asked for.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/asking.hpp"
#include "app/commands.hpp"
#include "app/failure.hpp"
#include "app/reach.hpp"
#include "app/text_table.hpp"
#include "app/undo.hpp"
#include "queue/source_keys.hpp"
#include "storage/planner_lock.hpp"
#include "storage/stream_removal.hpp"
#include "storage/stream_reset.hpp"

namespace pawl::app {

namespace {

/// What is about to go, as it was counted.
struct Doomed {
    ChosenStreams chosen;
    std::vector<storage::KnownStream> streams;
    std::vector<storage::KnownTable> tables;  ///< those that are there
    std::int64_t tokens = 0;                  ///< of a whole source
};

std::string told_books(const Doomed& doomed) {
    storage::KnownStream sum;
    for (const auto& stream : doomed.streams) {
        sum.partitions += stream.partitions;
        sum.slices_open += stream.slices_open;
        sum.slices_ended += stream.slices_ended;
        sum.pages += stream.pages;
        sum.dead_letters += stream.dead_letters;
    }
    auto text = fmt::format("Forget {}: {}, {} ({} open), {} of the ledger, {}", named(doomed.chosen),
                            amount(sum.partitions, "partition"), amount(sum.slices_ended + sum.slices_open, "slice"),
                            grouped(sum.slices_open), amount(sum.pages, "page"), amount(sum.dead_letters, "dead letter"));
    if (doomed.tokens > 0) text += ", " + amount(doomed.tokens, "token") + " that renewed themselves";
    return text + ".";
}

std::string told_tables(const std::vector<storage::KnownTable>& tables, bool drop) {
    if (tables.empty()) return drop ? " There is no table of theirs." : "";
    std::string text = drop ? " These tables are DROPPED with all their rows:" : " Tables and their rows stay:";
    std::string keyless;
    for (const auto& table : tables) {
        text += fmt::format("\n  {}, about {}", table.name(), amount(table.rows, "row"));
        if (!table.is_keyed) keyless += (keyless.empty() ? "" : ", ") + table.name();
    }
    if (!drop && !keyless.empty())
        text += "\nNo later walk replaces the rows that stay in " + keyless + ", for want of a key: they would be there twice.";
    return text + "\n";
}

/// Throws UsageError where others write one of the tables, too.
void require_nobody_else(const std::vector<storage::KnownTable>& tables) {
    std::string problems;
    for (const auto& table : tables)
        for (const auto& other : table.others) problems += fmt::format("\n  {} is written by {} as well", table.name(), other);
    if (!problems.empty())
        throw UsageError("nothing was changed, because tables would be dropped under others:" + problems +
                         "\nForget those streams in the same command, or leave out --drop-table.");
}

/// One run of the command.
class Forgetting {
  public:
    Forgetting(Session& session, const Doomed& doomed, core::Token instance)
        : session_(session),
          chosen_(doomed.chosen),
          doomed_(doomed),
          redis_(session, chosen_.source, instance),
          removal_(session.postgres),
          lock_(session.settings.postgres.url, chosen_.source) {}

    /// Holds the planner's lock from now on: nobody plans the source meanwhile.
    void require_nobody_at_work() {
        queue::SourceKeys keys(redis_.connection(), chosen_.source);
        const bool is_free = lock_.hold();
        const auto workers = made(session_, [&] { return keys.live_workers(); });
        if (is_free && workers == 0) return;
        throw std::runtime_error(
            "nothing was changed: a pawl process is at work on source '" + chosen_.source + "' (" +
            (is_free ? "its worker showed a sign of life within its lease" : "it holds the planner's lock") +
            "). Stop it first.");
    }

    core::ExitCode run(bool drop) {
        if (drop) made(session_, [&] { return removal_.drop_tables(chosen_.source, chosen_.streams, doomed_.tables); });
        for (const auto& stream : chosen_.streams) retire(stream);
        for (const auto& stream : chosen_.streams) remove(stream);
        made(session_, [&] { return removal_.remove_rest(chosen_.source, chosen_.streams); });
        if (chosen_.is_whole) {
            queue::SourceKeys keys(redis_.connection(), chosen_.source);
            (void)made(session_, [&] { return keys.remove(); });
            made(session_, [&] { return removal_.remove_source(chosen_.source); });
        }
        tell(drop);
        return core::ExitCode::ok;
    }

  private:
    void retire(const std::string& stream) {
        storage::StreamReset earlier(session_.postgres);
        redis_.forget(made(session_, [&] { return earlier.untold(chosen_.source, stream); }));
        std::optional<std::string> after;
        do {
            auto step = made(session_, [&] { return removal_.retire(chosen_.source, stream, after); });
            redis_.forget(std::move(step.cancelled));
            after = std::move(step.after);
        } while (after);
    }

    void remove(const std::string& stream) {
        std::optional<std::string> after;
        while (true) {
            auto step = made(session_, [&] { return removal_.remove(chosen_.source, stream, after); });
            partitions_ += step.partitions;
            slices_ += step.slices;
            pages_ += step.pages;
            redis_.forget(std::move(step.cancelled));
            if (step.is_done) return;
            after = std::move(step.after);
        }
    }

    void tell(bool drop) const {
        const auto dropped = drop ? doomed_.tables.size() : 0;
        if (session_.invocation.json) {
            std::cout << nlohmann::ordered_json{{"partitions", partitions_},
                                                {"slices", slices_},
                                                {"pages", pages_},
                                                {"tables", dropped}}
                             .dump()
                      << '\n';
            return;
        }
        std::cout << amount(partitions_, "partition") << ", " << amount(slices_, "slice") << ", " << amount(pages_, "page")
                  << " removed, " << amount(static_cast<std::int64_t>(dropped), "table") << " dropped\n";
    }

    Session& session_;
    const ChosenStreams& chosen_;
    const Doomed& doomed_;
    RedisSide redis_;
    storage::StreamRemoval removal_;
    storage::PlannerLock lock_;
    std::int64_t partitions_ = 0, slices_ = 0, pages_ = 0;
};

Doomed look_at(Session& session, const Invocation& invocation) {
    storage::KnownStreams known(session.postgres);
    Doomed doomed;
    doomed.chosen = choose_streams(session, known, invocation.names);
    doomed.streams = count_streams(session, known, doomed.chosen);
    for (auto& table : session.wait_for(known.tables(doomed.chosen.source, doomed.chosen.streams)))
        if (table.exists) doomed.tables.push_back(std::move(table));
    if (doomed.chosen.is_whole) doomed.tokens = session.wait_for(known.tokens(doomed.chosen.source));
    return doomed;
}

}  // namespace

core::ExitCode forget(const Invocation& invocation) {
    Session session(invocation);
    session.settings.migrate = false;
    const auto instance = session.wait_for(reach_postgres(session));
    const Doomed doomed = look_at(session, invocation);
    const bool drop = invocation.drop_table;
    if (drop) require_nobody_else(doomed.tables);
    Forgetting forgetting(session, doomed, instance);
    if (drop || doomed.chosen.is_whole) forgetting.require_nobody_at_work();
    const std::string question = told_books(doomed) + told_tables(doomed.tables, drop);
    const bool wanted = drop && !doomed.tables.empty() ? is_confirmed(question, doomed.chosen.source, invocation.yes)
                                                       : is_wanted(question, invocation.yes);
    if (!wanted) return core::ExitCode::failure;
    return forgetting.run(drop);
}

}  // namespace pawl::app
