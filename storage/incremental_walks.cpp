#include "storage/incremental_walks.hpp"

#include <optional>
#include <vector>

#include "core/named_values.hpp"
#include "storage/pq_connection.hpp"

namespace pawl::storage {
namespace {

constexpr std::size_t slices_max = 10'000;  // of one transaction, unless one partition alone has more

// A mark of something else does not count.
constexpr const char* read_due = R"sql(
select partition_id, parent::text, list::text, case when mark_of = $4 then mark end, (extract(epoch from now()) * 1000000)::bigint
from pawl.partition
where source = $1 and stream = $2 and next_due <= now() and not walking and state = 'active'
order by next_due, partition_id limit $3 for update skip locked)sql";

constexpr const char* begin = R"sql(
update pawl.partition p set walking = a.windows > 0, walk = p.walk + 1, next_due = null, open_windows = a.windows,
  mark = a.mark, mark_of = $5, mark_after = a.mark_after,
  last_finished = case when a.windows > 0 then p.last_finished else now() end
from unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[]) as a(partition_id, windows, mark, mark_after)
where p.partition_id = a.partition_id)sql";

constexpr const char* insert = R"sql(
insert into pawl.slice (partition_id, source, stream, lo, hi, walk, request_hash, class, parent, genesis, tip_link)
select partition_id, source, stream, lo, hi, walk, $4, $5, parent, link, link
from (select p.*, a.lo, a.hi, gen_random_uuid() as link
      from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality as a(partition_id, lo, hi, number)
      join pawl.partition p using (partition_id) order by a.number) as walk)sql";

std::optional<std::string> text_of(const std::optional<std::int64_t>& number) {
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

}  // namespace

std::int64_t begin_incremental_walks(pqxx::transaction_base& transaction, const std::string& source,
                                     const core::Stream& stream, std::size_t limit, core::SliceClass slice_class) {
    const core::Incremental& incremental = *stream.incremental;
    const pqxx::result due =
        transaction.exec_params(read_due, source, stream.name, limit, incremental.identity());
    PqArray partitions, counts, marks, marks_after, sliced, lows, highs;
    std::size_t slices = 0;
    std::int64_t begun = 0;
    for (const auto& row : due) {
        if (slices >= slices_max) break;
        std::optional<std::int64_t> mark;
        if (!row[3].is_null()) mark = row[3].as<std::int64_t>();
        const auto end = core::windows_end(incremental, row[1].as<std::string>(), row[2].as<std::string>());
        const auto windows = core::windows_due(incremental, mark, row[4].as<std::int64_t>(), end);
        const auto partition = row[0].as<std::int64_t>();
        partitions.add(partition);
        counts.add(static_cast<std::int64_t>(windows.windows.size()));
        marks.add(text_of(mark));
        marks_after.add(text_of(windows.mark_after));
        for (const core::Window& window : windows.windows) {
            sliced.add(partition);
            lows.add(text_of(window.lo));
            highs.add(text_of(window.hi));
        }
        slices += windows.windows.size();
        ++begun;
    }
    if (begun == 0) return 0;
    transaction.exec_params(begin, partitions.str(), counts.str(), marks.str(), marks_after.str(), incremental.identity());
    transaction.exec_params(insert, sliced.str(), lows.str(), highs.str(), stream.request_hash, static_cast<int>(slice_class));
    return begun;
}

}  // namespace pawl::storage
