#include "storage/child_partitions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "storage/identifier.hpp"
#include "storage/listed_entries.hpp"

namespace pawl::storage {
namespace {

// btree refuses entries beyond 2,704 bytes (54000); source and stream stand in the same entry.
constexpr int part_bytes_max = 1000;
// A partition seen again without any news is not written again within this time: it saves a row
// version per sighting.
constexpr std::string_view seen_grain = "interval '1 hour'";

bool has_column(const ParentRows& rows, std::string_view column) {
    return !rows.columns || rows.columns->contains(identifier(column));
}

std::string column(const ParentRows& rows, std::string_view name) {
    if (!has_column(rows, name)) return "null";
    return rows.alias + "." + quoted(identifier(name));
}

/// `parent.login` and `login` are the same column in a key's template.
std::string_view bare_name(std::string_view name) {
    constexpr std::string_view prefix = "parent.";
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string template_expression(const core::Template& key, const ParentRows& rows) {
    std::vector<std::string> terms;
    for (const core::Template::Part& part : key.parts()) {
        if (!part.value) {
            terms.push_back(literal(part.literal));
            continue;
        }
        if (!part.plain)  // `check` refuses it
            throw core::ConfigError("foreach.key: {" + part.value->text() + "} cannot be made in SQL");
        const auto& [name, function] = *part.plain;
        const std::string value = "(" + column(rows, bare_name(name)) + ")::text";
        terms.push_back(function == "trim" ? "btrim(" + value + ")"
                        : function.empty() ? value
                                           : function + "(" + value + ")");
    }
    return terms.empty() ? "''" : fmt::format("{}", fmt::join(terms, " || "));
}

std::string columns_expression(const std::vector<std::string>& key, const ParentRows& rows) {
    std::vector<std::string> terms;
    for (const std::string& name : key) terms.push_back("(" + column(rows, name) + ")::text");
    return terms.empty() ? "null::text" : fmt::format("{}", fmt::join(terms, " || '/' || "));
}

/// SQL over `partition`, an alias of pawl.partition: does a sighting now make it due?
std::string falls_due(const core::Stream& child, Revisit revisit, std::string_view partition) {
    std::string rested = "true";
    if (child.refresh) {
        rested = fmt::format(
            "({0}.last_finished is null or {0}.last_finished <= now() - interval '{1} us')",
            partition, child.refresh->count());
    } else if (revisit == Revisit::never) {
        rested = fmt::format("{}.last_finished is null", partition);
    }
    return fmt::format(
        "(not {0}.walking and ({0}.next_due is null or {0}.next_due > now()) and {1})", partition,
        rested);
}

constexpr std::string_view insert_children = R"sql(
with candidate as (
  select case when octet_length(key) > {part_max} then encode(sha256(convert_to(key, 'UTF8')),
    'hex') else key end as part,
         parent, list, matches, newest, class
  from (select {part} as key, {parent} as parent, {list} as list, {where} as matches, {newest} as newest,
    {class} as class
        from {from}) as candidate_row
  where key is not null
), seen as (
  select distinct on (part) part, parent, list, matches, class from candidate
  order by part, matches desc, newest desc nulls last
), wanted as (
  select seen.* from seen
  left join pawl.partition known on known.source = {source} and known.stream = {stream}
    and known.part = seen.part
  where seen.matches and (known.partition_id is null or known.state <> 'active' or known.parent <>
    seen.parent or known.list <> seen.list
        or known.last_seen < now() - {grain} or {known_due})
), stored as (
  insert into pawl.partition as existing (source, stream, part, parent, list, walk, walking, next_due)
  select {source}, {stream}, part, parent, list, {first_walk}, {walks}, {first_due} from wanted order by part
  on conflict (source, stream, part) do update
  set parent = excluded.parent, list = excluded.list, state = 'active', last_seen = now(),
      next_due = case when {existing_due} then now() else existing.next_due end
  returning existing.partition_id, existing.part, existing.xmax = 0 as is_new,
    existing.next_due <= now() as is_due
), walks as (
  insert into pawl.slice (partition_id, source, stream, walk, request_hash, class, parent, genesis,
    tip_link)
  select partition_id, {source}, {stream}, 1, {request_hash}, class, parent, link, link
  from (select stored.partition_id, wanted.parent, wanted.class, gen_random_uuid() as link
        from stored join wanted using (part) where stored.is_new and {walks} order by part) as new_partition
  returning 1
), dropped as (
  update pawl.partition p set state = 'inactive', last_seen = now() from seen
  where not seen.matches and p.source = {source} and p.stream = {stream} and p.part = seen.part
    and p.state = 'active'
  returning 1
)
select (select count(*) from stored where is_new), (select count(*) from stored where not is_new and is_due),
       (select count(*) from dropped))sql";

constexpr std::string_view retire_partitions_of = R"sql(, retired_{number} as (
  update pawl.partition known set state = 'inactive', last_seen = now()
  from (select distinct case when octet_length(key) > {part_max} then encode(sha256(convert_to(key, 'UTF8')), 'hex') else key end as part
        from (select {part} as key from gone as {alias}) as gone_row where key is not null order by 1) as gone_part
  where known.source = {source} and known.stream = {stream} and known.part = gone_part.part and known.state = 'active'
))sql";

constexpr std::string_view select_unenrolled = R"sql(
select seen.parent
from (select distinct on (part) part, parent
      from (select case when octet_length(key) > {part_max} then encode(sha256(convert_to(key, 'UTF8')),
              'hex') else key end as part, parent, newest
            from (select {part} as key, {parent} as parent, {newest} as newest from {from}) as candidate_row
            where key is not null) as candidate
      order by part, newest desc nulls last) as seen
left join pawl.partition known on known.source = {source} and known.stream = {stream} and known.part = seen.part
where known.partition_id is null or {known_due})sql";

/// Each row, combined with what the file itself says.
std::string from_item(const core::Stream& child, const ParentRows& rows) {
    if (child.foreach_.factors.empty()) return rows.from;
    return fmt::format("{} cross join {} as pawl_entry", rows.from, combined_entries(child.foreach_));
}

}  // namespace

std::vector<std::string> key_columns(const core::Stream& child,
                                     const std::vector<std::string>& primary_key) {
    const core::Foreach& foreach_ = child.foreach_;
    if (!foreach_.key_template) {
        return foreach_.key_columns.empty() ? primary_key : foreach_.key_columns;
    }
    std::vector<std::string> names;
    for (const auto& [scoped, needed] : foreach_.key_template->names()) {
        const std::string name(bare_name(scoped));
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

namespace {

std::string row_expression(const core::Stream& child, const ParentRows& rows) {
    if (child.foreach_.key_template) return template_expression(*child.foreach_.key_template, rows);
    return columns_expression(key_columns(child, rows.key), rows);
}

}  // namespace

std::string part_expression(const core::Stream& child, const ParentRows& rows) {
    const std::string row = row_expression(child, rows);
    return child.foreach_.factors.empty() ? row : fmt::format("jsonb_build_array({}, pawl_entry.key)::text", row);
}

std::string parent_expression(const core::Stream& child, const ParentRows& rows) {
    std::vector<std::string> pairs;
    for (const std::string& name : child.parent_columns) {
        pairs.push_back(literal(name) + "::text, " + column(rows, name));
    }
    return pairs.empty() ? "'{}'::jsonb"
                         : fmt::format("jsonb_build_object({})", fmt::join(pairs, ", "));
}

std::string where_expression(const core::Stream& child, const ParentRows& rows) {
    if (rows.filtered || child.foreach_.where.empty()) return "true";
    // The inner select has the parent's row alone in scope, so that names in `where` are never
    // ambiguous. The line break ends a comment that `where` may end with.
    return fmt::format("(select ({}\n) is true from (select {}.*) as {})", child.foreach_.where,
                       rows.alias, quoted(identifier(rows.table)));
}

std::string insert_children_sql(const std::string& source, const core::Stream& child,
                                const ParentRows& rows, Revisit revisit) {
    using fmt::arg;
    // Windows are the planner's to find: it begins the first walk of an incremental stream as it does all others.
    const bool begins = !child.incremental;
    return fmt::format(
        fmt::runtime(insert_children), arg("part_max", part_bytes_max),
        arg("part", part_expression(child, rows)), arg("parent", parent_expression(child, rows)),
        arg("list", child.foreach_.factors.empty() ? "'{}'::jsonb" : "pawl_entry.list"), arg("where", where_expression(child, rows)), arg("newest", rows.newest),
        arg("class", rows.slice_class), arg("from", from_item(child, rows)), arg("source", literal(source)),
        arg("stream", literal(child.name)), arg("grain", seen_grain),
        arg("known_due", falls_due(child, revisit, "known")),
        arg("existing_due", falls_due(child, revisit, "existing")),
        arg("request_hash", literal(child.request_hash)), arg("first_walk", begins ? "1" : "0"),
        arg("walks", begins ? "true" : "false"), arg("first_due", begins ? "null::timestamptz" : "now()"));
}

bool is_row_by_row(const core::Stream& child, const std::vector<std::string>& primary_key) {
    const auto columns = key_columns(child, primary_key);
    return std::all_of(primary_key.begin(), primary_key.end(), [&](const std::string& name) {
        return std::any_of(columns.begin(), columns.end(), [&](const std::string& one) { return identifier(one) == name; });
    });
}

std::string retire_children_sql(const std::string& source, const core::Stream& child, const ParentRows& rows, std::size_t number) {
    using fmt::arg;
    return fmt::format(fmt::runtime(retire_partitions_of), arg("number", number), arg("part_max", part_bytes_max),
                       arg("part", part_expression(child, rows)), arg("alias", rows.alias), arg("source", literal(source)),
                       arg("stream", literal(child.name)));
}

std::string unenrolled_sql(const std::string& source, const core::Stream& child, const ParentRows& rows) {
    using fmt::arg;
    return fmt::format(fmt::runtime(select_unenrolled), arg("part_max", part_bytes_max),
                       arg("part", part_expression(child, rows)), arg("parent", parent_expression(child, rows)),
                       arg("newest", rows.newest), arg("from", from_item(child, rows)), arg("source", literal(source)),
                       arg("stream", literal(child.name)),
                       arg("known_due", falls_due(child, Revisit::never, "known")));
}

}  // namespace pawl::storage
