#include "storage/staging.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/errors.hpp"
#include "storage/identifier.hpp"
#include "storage/stager.hpp"

namespace pawl::storage {

using core::EmitRows;

bool has_rows(const PageCommit& page) {
    return !page.dead_reason && page.job.outcome == core::Outcome::ok;
}
bool ends_walk(const PageCommit& page) {
    return page.job.last && (has_rows(page) || (!page.dead_reason && page.job.outcome == core::Outcome::truncated));
}

bool ends_whole_walk(const PageCommit& page) {
    const core::Outcome outcome = page.job.outcome;
    return page.job.last && !page.job.rewalk && !page.job.split && !page.dead_reason &&
           (outcome == core::Outcome::ok || outcome == core::Outcome::empty);
}

std::string Stage::replaced_name() const { return name + "_replaced"; }

std::string Stage::create_sql() const {
    std::vector<std::string> definitions;
    for (const Column& column : columns)
        definitions.push_back(quoted(column.name) + " " + column.sql_type);
    return fmt::format(
        "create temp table {0} ({1}, _pawl_p int, _pawl_o int{2}) on commit drop; copy {0} from "
        "stdin",
        name, fmt::join(definitions, ", "), carries_versions(source_emit()) ? ", _pawl_v bigint" : "");
}

std::string Stage::create_replaced_sql() const {
    std::vector<std::string> definitions;
    for (const Column& column : replace_columns)
        definitions.push_back(quoted(column.name) + " " + column.sql_type);
    return fmt::format(
        "create temp table {0} ({1}, _pawl_p int) on commit drop; copy {0} from stdin",
        replaced_name(), fmt::join(definitions, ", "));
}

std::vector<Stage> stage_batch(PqConnection& connection, Tables& tables,
                               const core::SourceFile& source,
                               const std::vector<BatchPage>& pages, SpareBuffers& spare) {
    // (table, place of the stream in the file, emit): the order in which every writer locks.
    std::set<std::tuple<std::string, std::size_t, std::size_t>> wanted;
    for (const BatchPage& entry : pages) {
        if (entry.stream == nullptr) continue;
        const auto place = static_cast<std::size_t>(entry.stream - source.streams.data());
        if (ends_walk(*entry.page))
            for (std::size_t i = 0; i < entry.stream->emits.size(); ++i)
                if (const core::Emit& emit = entry.stream->emits[i]; emit.is_replaced_as_a_whole()) wanted.emplace(emit.table, place, i);
        if (ends_whole_walk(*entry.page))
            for (std::size_t i = 0; i < entry.stream->emits.size(); ++i)
                if (const core::Emit& emit = entry.stream->emits[i]; emit.sweeps()) wanted.emplace(emit.table, place, i);
        if (!has_rows(*entry.page)) continue;
        for (const EmitRows& rows : entry.page->rows.emits)
            if (rows.emit < entry.stream->emits.size())
                wanted.emplace(entry.stream->emits[rows.emit].table, place, rows.emit);
    }
    const auto is_current = [&](const Stage& stage) {
        const auto info = tables.find(connection, source, stage.source_emit().table);
        return std::all_of(stage.columns.begin(), stage.columns.end(),
                           [&](const Stage::Column& column) {
                               const TableInfo::Column* now = info->find(column.name);
                               return now != nullptr && now->sql_type == column.sql_type;
                           });
    };
    for (int round = 0; round < widening_rounds; ++round) {
        std::vector<Stage> stages;
        for (const auto& [table, place, emit] : wanted) {
            Stager stager(connection, tables, source, pages, source.streams[place], emit);
            stages.push_back(stager.run(stages.size() + 1, spare.take()));
        }
        // A later emit into the same table may have widened a column under an earlier one.
        if (std::all_of(stages.begin(), stages.end(), is_current)) return stages;
        for (Stage& stage : stages) spare.give_back(std::move(stage.rows));
    }
    throw core::TransientError("Columns of " + source.name +
                               " keep changing while rows are staged");
}

}  // namespace pawl::storage
