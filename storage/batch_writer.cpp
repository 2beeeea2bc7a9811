#include "storage/batch_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"
#include "storage/absence.hpp"
#include "storage/batch_transaction.hpp"
#include "storage/children.hpp"
#include "storage/counts.hpp"
#include "storage/finish.hpp"
#include "storage/history_statement.hpp"
#include "storage/identifier.hpp"
#include "storage/ledger.hpp"
#include "storage/tip_move.hpp"

// The order of locks: temporary tables (nobody else's), target tables by name and rows by key,
// partitions, slice rows by id, running totals. Whatever goes wrong before COMMIT is rolled back
// whole; what it means is decided in `store`.
namespace pawl::storage {

namespace {

constexpr std::string_view cycle = "23505";  // on pawl.page: the cursor was there before

/// The tips of some slices are not where these pages begin: nothing was stored.
struct TipsMoved {};

bool by_slice(const BatchPage& a, const BatchPage& b) {
    const core::Job &left = a.page->job, &right = b.page->job;
    return std::tie(left.slice, left.seq, a.index) < std::tie(right.slice, right.seq, b.index);
}

bool by_request(const BatchPage& a, const BatchPage& b) {
    const core::Job &left = a.page->job, &right = b.page->job;
    return std::tie(left.requested_at, left.slice, left.seq) <
           std::tie(right.requested_at, right.slice, right.seq);
}

/// The parameters of all upserts: page ids and request times by number.
std::vector<std::optional<std::string>> page_parameters(const std::vector<BatchPage>& by_time) {
    PqArray ids, times;
    for (const BatchPage& entry : by_time) {
        ids.add(core::page_id(entry.page->job.slice, entry.page->job.seq));
        times.add(entry.page->job.requested_at);
    }
    return {ids.str(), times.str()};
}

}  // namespace

PqConnection& BatchWriter::connection() {
    if (connection_ && !connection_->is_usable()) connection_.reset();
    if (!connection_) connection_.emplace(options_.url);
    return *connection_;
}

std::vector<PageResult> BatchWriter::commit(const core::SourceFile& source,
                                            std::vector<PageCommit>& batch) {
    std::vector<PageResult> results(batch.size());
    Pages remaining;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const core::Stream* stream = source.find(batch[i].job.stream);
        if (stream != nullptr) {
            remaining.push_back({&batch[i], stream, &results[i], i});
        } else {
            results[i].verdict = Verdict::gap;
            results[i].reason = "the source file has no stream " + batch[i].job.stream;
        }
    }
    std::sort(remaining.begin(), remaining.end(), by_slice);
    try {
        while (!remaining.empty()) {
            Pages chains = take_chains(remaining);
            store(source, std::move(chains));
        }
    } catch (const SqlError& error) {
        if (connection_) connection_->rollback();
        if (!connection_ || !connection_->is_usable()) connection_.reset();
        raise(error);
    } catch (...) {
        connection_.reset();  // whatever it was: the server rolls back
        throw;
    }
    return results;
}

/// Brings all of `pages` to a result: stored, or the reason why not.
void BatchWriter::store(const core::SourceFile& source, Pages pages) {
    bool refreshed = false;
    for (int attempt = 1; !pages.empty(); ++attempt) {
        try {
            write(source, pages);
            return;
        } catch (const TipsMoved&) {
            connection().rollback();
            pages = judge_and_keep(std::move(pages));
            if (attempt > attempts_max)
                throw core::TransientError("Tips keep moving under the writer");
        } catch (const core::TransientError& error) {
            // In doubt: the same again on a new connection. If it had committed, the pages are
            // duplicates now.
            connection_.reset();
            if (!error.outcome_unknown || attempt > attempts_in_doubt) throw;
            core::log::warn("A commit is in doubt, asking again", {{"source", source.name}});
        } catch (const SqlError& error) {
            connection().rollback();
            if (is_collision(error)) {
                if (attempt > attempts_max) throw;
                wait_a_little(attempt);
            } else if (is_outdated(error) && !refreshed) {
                refreshed = true;
                tables_->forget(source);
            } else if (!is_of_the_data(error)) {
                throw;
            } else if (pages.size() > 1) {
                store_halves(source, pages);
                return;
            } else {
                refuse(pages.front(), error);
                return;
            }
        }
    }
}

/// One of them cannot be stored: which one is found by halving. Later pages of its slice then are
/// gaps.
void BatchWriter::store_halves(const core::SourceFile& source, const Pages& pages) {
    const auto middle = pages.begin() + static_cast<std::ptrdiff_t>(pages.size() / 2);
    store(source, Pages(pages.begin(), middle));
    store(source, Pages(middle, pages.end()));
}

void BatchWriter::refuse(const BatchPage& entry, const SqlError& error) {
    PageResult& result = *entry.result;
    result = PageResult{};
    if (error.is(cycle) && error.table.starts_with("page_")) {
        result.verdict = Verdict::stuck;
        result.reason = "the same cursor was asked for before: a cycle";
        if (!mark_stuck(connection(), entry.page->job, options_.number)) judge_and_keep({entry});
        return;
    }
    result.verdict = Verdict::unstorable;
    result.reason = fmt::format("{} [{}]", error.what(), error.sqlstate);
}

/// Gives a result to each page that does not come next; returns those that do.
BatchWriter::Pages BatchWriter::judge_and_keep(Pages pages) {
    const auto judged = judge_pages(connection(), pages);
    Pages kept;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        if (judged[i])
            *pages[i].result = *judged[i];
        else
            kept.push_back(pages[i]);
    }
    return kept;
}

/// The transaction. Throws TipsMoved where some tips are elsewhere.
void BatchWriter::write(const core::SourceFile& source, const Pages& pages) {
    begin_counts(pages);
    if (!tips_stand_ready(connection(), pages)) throw TipsMoved{};
    Pages by_time = pages;
    std::stable_sort(by_time.begin(), by_time.end(), by_request);
    std::vector<Stage> stages = stage_batch(connection(), *tables_, source, by_time, spare_);

    PqConnection& server = connection();
    begin(server);
    core::hit(core::Failpoint::after_begin);
    write_rows(source, by_time, stages);
    write_absence(server, *tables_, source, by_time, stages);
    core::hit(core::Failpoint::after_upsert);
    write_children(server, *tables_, source, by_time, stages);
    write_dead_letters(server, source.name, pages);
    if (!move_tips(server, pages, options_.quiet)) throw TipsMoved{};
    core::hit(core::Failpoint::after_cas);
    write_books(source, pages, by_time, stages);
    core::hit(core::Failpoint::before_commit);
    server.commit();
    core::hit(core::Failpoint::after_commit);
    for (Stage& stage : stages) spare_.give_back(std::move(stage.rows));
}

void BatchWriter::write_rows(const core::SourceFile& source, const Pages& by_time,
                             const std::vector<Stage>& stages) {
    PqConnection& server = connection();
    for (const Stage& stage : stages) {
        if (stage.has_staged()) server.copy(stage.create_sql(), stage.rows);
        if (!stage.replaced.empty()) server.copy(stage.create_replaced_sql(), stage.replaced);
    }
    const auto parameters = page_parameters(by_time);
    for (const Stage& stage : stages) {
        const auto add_deleted = [&](const PqResult& rows,
                                     const std::vector<std::size_t>& numbers) {
            for (int row = 0; row < rows.rows(); ++row)
                by_time[numbers.at(static_cast<std::size_t>(rows.integer(row, 1) - 1))]
                    .result->emits[stage.emit]
                    .deleted += rows.integer(row, 2);
        };
        for (std::size_t i = 0; i < by_time.size(); ++i)
            if (!stage.rejected[i].empty())
                by_time[i].result->emits[stage.emit].rejected +=
                    static_cast<std::int64_t>(stage.rejected[i].size());
        if (stage.has_staged() && stage.target.merge == core::Emit::Merge::history)
            server.run(history_lock, {stage.target.table});
        if (stage.has_staged())
            count_upsert(stage, server.run(upsert_sql(stage.target), parameters), by_time);
        if (!stage.replaced.empty() && !stage.source_emit().sweeps()) {
            UpsertTarget target = stage.target;
            target.stage = stage.replaced_name();
            std::vector<std::string> columns;
            for (const Stage::Column& column : stage.replace_columns)
                columns.push_back(column.name);
            std::vector<std::size_t> numbers(by_time.size());
            for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
            const std::string children = retire_children(server, *tables_, source, stage);
            add_deleted(server.run(replace_sql(target, columns, children), parameters), numbers);
        }
        if (stage.replaces_walks) {
            PqArray last_pages;
            std::vector<std::size_t> numbers;
            for (std::size_t i = 0; i < by_time.size(); ++i) {
                if (by_time[i].stream != stage.stream || !ends_walk(*by_time[i].page)) continue;
                last_pages.add(core::page_id(by_time[i].page->job.slice, by_time[i].page->job.seq));
                numbers.push_back(i);
            }
            add_deleted(
                server.run(replace_walk_sql(quoted_table(source.schema, stage.source_emit().table)),
                           {last_pages.str()}),
                numbers);
        }
    }
}

/// Everything in pawl's own tables that is not a tip.
void BatchWriter::write_books(const core::SourceFile& source, const Pages& pages,
                              const Pages& by_time, const std::vector<Stage>& stages) {
    PqConnection& server = connection();
    write_ledger(server, pages);
    write_rejected(server, source.name, rejected_of(pages, by_time, stages));
    write_validators(server, pages);
    finish_slices(server, pages, options_.number);
    write_totals(server, source.name, pages, options_.number);
}

}  // namespace pawl::storage
