#include "storage/children.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/child_partitions.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {

namespace {

std::string array_literal(const std::vector<std::int64_t>& numbers) {
    return fmt::format("'{{{}}}'", fmt::join(numbers, ","));
}

/// FROM item `pawl_page (number, id, class)`: the stage's pages, with the class of their slices (finished ones too: a dead
/// letter that is replayed).
std::string pages_read(const Stage& stage, const std::vector<BatchPage>& by_time) {
    std::vector<std::int64_t> ids;  // 0, which joins no slice, where a page is of another stream
    for (const BatchPage& entry : by_time)
        ids.push_back(entry.stream == stage.stream
                          ? core::page_id(entry.page->job.slice, entry.page->job.seq)
                          : 0);
    return fmt::format(
        "(select page.number, page.id, s.class from unnest({}::bigint[]) with ordinality as "
        "page(id, number) join pawl.v_slice s on s.slice_id = page.id >> {}) as pawl_page",
        array_literal(ids), core::page_seq_bits);
}

/// FROM clause: rows of the stage's table that this batch read, as the table has them now, beside
/// `pawl_read.class`, the class of the slice that read them.
std::string rows_read(const Stage& stage, const std::vector<BatchPage>& by_time) {
    if (stage.target.key.empty())
        return fmt::format(
            "{} as p join {} on p._pawl_slice = pawl_page.id >> {} and p._pawl_page = pawl_page.id "
            "cross join lateral (select pawl_page.class) as pawl_read",
            stage.target.table, pages_read(stage, by_time), core::page_seq_bits);
    std::vector<std::string> keys, same;
    for (const std::string& key : stage.target.key) {
        keys.push_back("pawl_row." + quoted(key));
        same.push_back(fmt::format("p.{0} = pawl_read.{0}", quoted(key)));
    }
    if (stage.source_emit().merge == core::Emit::Merge::history) same.push_back("p.valid_to is null");
    return fmt::format(
        "{} as p join (select {}, min(pawl_page.class) as class from {} as pawl_row join {} on "
        "pawl_page.number = pawl_row._pawl_p group by {}) as pawl_read on {}",
        stage.target.table, fmt::join(keys, ", "), stage.name, pages_read(stage, by_time),
        fmt::join(keys, ", "), fmt::join(same, " and "));
}

}  // namespace

void write_children(PqConnection& connection, Tables& tables, const core::SourceFile& source,
                    const std::vector<BatchPage>& by_time, const std::vector<Stage>& stages) {
    for (const Stage& stage : stages) {
        if (!stage.has_staged()) continue;
        for (const core::Stream& child : source.streams) {
            if (!core::feeds(*stage.stream, stage.source_emit(), child)) continue;
            ParentRows rows;
            rows.from = rows_read(stage, by_time);
            rows.table = stage.source_emit().table;
            rows.key = stage.target.key;
            rows.newest = "p._pawl_page";
            rows.slice_class = "pawl_read.class";  // live begets live
            rows.columns.emplace();
            for (const auto& [name, column] : tables.find(connection, source, rows.table)->columns)
                rows.columns->insert(name);
            connection.run_all(
                insert_children_sql(source.name, child, rows, Revisit::every_sighting));
        }
    }
}

}  // namespace pawl::storage
