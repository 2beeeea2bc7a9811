#include "storage/absence.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "core/log.hpp"
#include "storage/child_partitions.hpp"
#include "storage/history_statement.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {

namespace {

using core::Emit;
using fmt::arg;

constexpr std::string_view seen_column = "_pawl_seen";

// $1: request times by number of the page.
constexpr std::string_view note_seen = R"sql(
update {table} t set {set}
from (select {key}, max(($1::bigint[])[_pawl_p]) as _pawl_v from {stage} group by {key} order by {key}) w
where {same_key} and ({news}))sql";

// $1: slice · $2: request time of its last page · $3: of its first, where that is in this batch.
constexpr std::string_view sweep = R"sql(
with walk as (
  select coalesce($3::bigint, (select (extract(epoch from g.requested_at) * 1000000)::bigint from pawl.page g
                               where g.slice_id = $1::bigint and g.seq = 1)) as began
  where not exists (select from pawl.slice s where s.slice_id = $1::bigint and s.dead > 0)
), gone as (
  {change} {scope_from}{where} returning t.*
){children}
select count(*) from gone where $2::bigint is not null)sql";

/// Microseconds since 1970, an SQL expression, as a time. Request times are far below 2^53, so this is exact.
std::string time_of(std::string_view micros) {
    return fmt::format("(timestamptz 'epoch' + {} * interval '1 microsecond')", micros);
}

std::string same_values(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) out.push_back(fmt::format("t.{0} = w.{0}", quoted(name)));
    return fmt::format("{}", fmt::join(out, " and "));
}

/// Where a row says when it was seen last.
std::string sighting_of(const Stage& stage) {
    return "t." + (stage.source_emit().merge == Emit::Merge::overwrite ? quoted(stage.target.version) : std::string(seen_column));
}

/// "" where the version says all there is to say.
std::string note_seen_sql(const Stage& stage) {
    const Emit& emit = stage.source_emit();
    const bool notes = emit.merge != Emit::Merge::overwrite;
    const bool marks = emit.absent == Emit::Absent::mark && emit.merge != Emit::Merge::history;
    std::vector<std::string> set, news, keys;
    if (notes) {
        set.push_back(fmt::format("{0} = greatest(t.{0}, w._pawl_v)", seen_column));
        news.push_back(fmt::format("t.{0} is null or t.{0} < w._pawl_v", seen_column));
    }
    if (marks) {
        const std::string is_back = fmt::format("t._pawl_deleted_at <= {}", time_of("w._pawl_v"));
        set.push_back(fmt::format("_pawl_loaded_at = case when {} then now() else t._pawl_loaded_at end", is_back));
        set.push_back(fmt::format("_pawl_deleted_at = case when {} then null else t._pawl_deleted_at end", is_back));
        news.push_back(is_back);
    }
    if (set.empty()) return "";
    std::string same_key = same_values(stage.target.key);
    if (emit.merge == Emit::Merge::history) same_key += " and t.valid_to is null";
    for (const std::string& key : stage.target.key) keys.push_back(quoted(key));
    return fmt::format(fmt::runtime(note_seen), arg("table", stage.target.table), arg("set", fmt::join(set, ", ")),
                       arg("key", fmt::join(keys, ", ")), arg("stage", stage.name), arg("same_key", same_key),
                       arg("news", fmt::join(news, " or ")));
}

/// Rows of the table that this emit never wrote are not its own to take away.
std::string unseen_condition(const Stage& stage) {
    const Emit& emit = stage.source_emit();
    const std::string seen = sighting_of(stage);
    if (emit.merge == Emit::Merge::fill_null) return fmt::format("{} < walk.began", seen);
    if (emit.merge == Emit::Merge::overwrite)
        return emit.replace_by.empty() ? fmt::format("{} < walk.began", seen)
                                       : fmt::format("({0} is null or {0} < walk.began)", seen);
    const std::string is_mine = stage.target.version.empty() ? "" : fmt::format(" and t.{} is not null", quoted(stage.target.version));
    return fmt::format("({0} is null or {0} < walk.began){1}", seen, is_mine);
}

/// `number`: of the page that ends the walk, as the stage of replace_by has it.
std::string sweep_sql(const Stage& stage, std::int64_t number, const std::string& children) {
    const Emit& emit = stage.source_emit();
    std::vector<std::string> scope;
    for (const Stage::Column& column : stage.replace_columns) scope.push_back(column.name);
    std::string where = unseen_condition(stage), from = "walk";
    if (!emit.replace_by.empty()) {
        from += fmt::format(", {} w", stage.replaced_name());
        where += fmt::format(" and w._pawl_p = {} and {}", number, same_values(scope));
    }
    std::string change = fmt::format("delete from {} t using", stage.target.table);
    if (emit.merge == Emit::Merge::history) {
        change = fmt::format("update {} t set valid_to = {}, _pawl_loaded_at = now() from", stage.target.table, time_of("$2::bigint"));
        where += fmt::format(" and t.valid_to is null and t.valid_from < {}", time_of("$2::bigint"));
    } else if (emit.absent == Emit::Absent::mark) {
        change = fmt::format("update {} t set _pawl_deleted_at = {}, _pawl_loaded_at = now(){} from", stage.target.table,
                             time_of("$2::bigint"),
                             emit.merge == Emit::Merge::overwrite ? fmt::format(", {} = $2::bigint", quoted(stage.target.version)) : "");
        where += " and t._pawl_deleted_at is null";
    }
    return fmt::format(fmt::runtime(sweep), arg("change", change), arg("scope_from", from), arg("where", " where " + where),
                       arg("children", children));
}

/// When the walk was begun, if this batch knows it.
std::optional<std::string> first_request(const std::vector<BatchPage>& by_time, core::SliceId slice) {
    for (const BatchPage& entry : by_time)
        if (entry.page->job.slice == slice && entry.page->job.seq == 1) return std::to_string(entry.page->job.requested_at);
    return std::nullopt;
}

bool passed_over_a_page(const std::vector<BatchPage>& by_time, core::SliceId slice) {
    return std::any_of(by_time.begin(), by_time.end(), [&](const BatchPage& entry) {
        return entry.page->job.slice == slice && entry.page->dead_reason.has_value();
    });
}

void sweep_walk(PqConnection& connection, const core::SourceFile& source, const std::vector<BatchPage>& by_time, const Stage& stage,
                std::size_t page, const std::string& children) {
    const core::Job& job = by_time[page].page->job;
    if (passed_over_a_page(by_time, job.slice)) return;
    const PqResult rows = connection.run(sweep_sql(stage, static_cast<std::int64_t>(page) + 1, children),
                                         {std::to_string(job.slice), std::to_string(job.requested_at), first_request(by_time, job.slice)});
    const std::int64_t gone = rows.integer(0, 0);
    if (gone == 0) return;
    const bool deletes = stage.source_emit().absent == Emit::Absent::remove;
    if (deletes) by_time[page].result->emits[stage.emit].deleted += gone;
    core::log::info(deletes ? "Rows that a walk does not show any more are deleted" : "Rows that a walk does not show any more are marked",
                    {{"source", source.name}, {"stream", job.stream}, {"part", job.part}, {"table", stage.source_emit().table}, {"rows", gone}});
}

}  // namespace

std::string retire_children(PqConnection& connection, Tables& tables, const core::SourceFile& source, const Stage& stage) {
    std::string members;
    std::size_t number = 0;
    for (const core::Stream& child : source.streams) {
        if (!core::feeds(*stage.stream, stage.source_emit(), child)) continue;
        ParentRows rows;
        rows.table = stage.source_emit().table;
        rows.key = stage.source_emit().key;
        if (!is_row_by_row(child, rows.key)) continue;
        rows.columns.emplace();
        for (const auto& [name, column] : tables.find(connection, source, rows.table)->columns) rows.columns->insert(name);
        members += retire_children_sql(source.name, child, rows, ++number);
    }
    return members;
}

void write_sightings(PqConnection& connection, const std::vector<BatchPage>& by_time, const std::vector<Stage>& stages) {
    PqArray times;
    for (const BatchPage& entry : by_time) times.add(entry.page->job.requested_at);
    for (const Stage& stage : stages) {
        if (!stage.source_emit().sweeps() || !stage.has_staged()) continue;
        if (const std::string sql = note_seen_sql(stage); !sql.empty()) connection.run(sql, {times.str()});
    }
}

void write_absence(PqConnection& connection, Tables& tables, const core::SourceFile& source,
                   const std::vector<BatchPage>& by_time, const std::vector<Stage>& stages) {
    const auto sweeps = [](const Stage& stage) { return stage.source_emit().sweeps(); };
    if (std::none_of(stages.begin(), stages.end(), sweeps)) return;
    write_sightings(connection, by_time, stages);
    for (const Stage& stage : stages) {
        if (!sweeps(stage)) continue;
        const auto info = tables.find(connection, source, stage.source_emit().table);
        if (!info->exists || (!stage.source_emit().replace_by.empty() && stage.replaced.empty())) continue;
        std::optional<std::string> children;
        for (std::size_t page = 0; page < by_time.size(); ++page) {
            if (by_time[page].stream != stage.stream || !ends_whole_walk(*by_time[page].page)) continue;
            if (!children && stage.source_emit().merge == Emit::Merge::history) connection.run(history_lock, {stage.target.table});
            if (!children) children = retire_children(connection, tables, source, stage);
            sweep_walk(connection, source, by_time, stage, page, *children);
        }
    }
}

}  // namespace pawl::storage
