#include "storage/expectation_check.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "core/expectation.hpp"
#include "storage/expectation_sql.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {
namespace {

// A page that was not modified has no counts: such a walk says nothing.
constexpr std::string_view read_last_walks = R"sql(
select {parent}::text, {list}::text, walk.records, count(*)
from (select s.slice_id, s.parent, p.list, sum(coalesce(g.counts[1], 0))::bigint as records
      from pawl.partition p join pawl.slice_done s on s.slice_id = p.last_slice and s.outcome = 'ok'
      join pawl.page g on g.slice_id = s.slice_id
      where p.source = {source} and p.stream = {stream}
      group by s.slice_id, s.parent, p.list having bool_and(g.outcome = 'ok')) as walk
group by 1, 2, 3)sql";

struct Apart {
    std::int64_t walks = 0, beyond = 0;
    std::int64_t worst_read = 0, worst_expected = 0;  ///< of the walk that is furthest off
};

Apart compare(const pqxx::result& groups, const core::Stream& stream) {
    Apart apart;
    for (const auto& row : groups) {
        const auto expected = core::expected_records(stream, row[0].as<std::string>(), row[1].as<std::string>());
        if (!expected) continue;
        const auto read = row[2].as<std::int64_t>(), walks = row[3].as<std::int64_t>();
        apart.walks += walks;
        const auto off = std::abs(read - *expected);
        if (static_cast<double>(off) <= stream.expect->tolerance * static_cast<double>(*expected)) continue;
        if (apart.beyond == 0 || off > std::abs(apart.worst_read - apart.worst_expected)) {
            apart.worst_read = read;
            apart.worst_expected = *expected;
        }
        apart.beyond += walks;
    }
    return apart;
}

}  // namespace

std::optional<Finding> check_expectation(pqxx::transaction_base& transaction, const core::SourceFile& source,
                                         const core::Stream& stream) {
    if (!stream.expect) return std::nullopt;
    using fmt::arg;
    const auto apart = compare(
        transaction.exec(fmt::format(fmt::runtime(read_last_walks), arg("parent", expected_parent_sql(stream, "walk")),
                                     arg("list", expected_list_sql(stream, "walk")), arg("source", literal(source.name)),
                                     arg("stream", literal(stream.name)))),
        stream);
    if (apart.beyond == 0) return std::nullopt;
    return Finding{true, source.name + "." + stream.name,
                   fmt::format("{} of {} finished walks read another number of records than `expect` says, by more than "
                               "{:g} %; the furthest: {} instead of {}",
                               apart.beyond, apart.walks, stream.expect->tolerance * 100, apart.worst_read,
                               apart.worst_expected)};
}

}  // namespace pawl::storage
