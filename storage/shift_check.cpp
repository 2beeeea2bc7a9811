#include "storage/shift_check.hpp"

#include <fmt/format.h>

namespace pawl::storage {

namespace {

constexpr const char* count_shifts = R"sql(
with paged as (
  select s.stream, count(*) filter (where g.shift = 'repeated') as repeated,
         count(*) filter (where g.shift = 'reread') as reread, count(*) filter (where g.shift = 'skipped') as skipped
  from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
  where s.source = $1 and ($2 = '' or s.stream = $2) and g.shift is not null group by s.stream
), marked as (
  select d.stream, count(*) as lists
  from pawl.slice_done d join pawl.partition p on p.partition_id = d.partition_id and p.last_slice = d.slice_id
  where d.source = $1 and ($2 = '' or d.stream = $2) and d.shifted and d.outcome in ('ok', 'not_modified', 'empty')
    and not p.walking and p.next_due is null group by d.stream
)
select stream, coalesce(repeated, 0), coalesce(reread, 0), coalesce(skipped, 0), coalesce(lists, 0)
from paged full join marked using (stream) order by stream)sql";

std::string in_words(const pqxx::row& row) {
    std::string text = "records moved from page to page while lists were walked";
    const auto add = [&](int column, std::string_view words) {
        if (const auto count = row[column].as<std::int64_t>(); count > 0)
            text += fmt::format("; {} {}", count, words);
    };
    add(1, "pages hold records of the page before");
    add(2, "times the walk stepped back and read again");
    add(3, "times records may have been skipped");
    add(4, "lists moved in each of their walks: records may be missing or doubled there, see pawl.v_problems");
    return text;
}

}  // namespace

std::vector<Finding> shift_findings(pqxx::transaction_base& transaction, const std::string& source,
                                    const std::string& stream) {
    std::vector<Finding> findings;
    for (const auto& row : transaction.exec_params(count_shifts, source, stream))
        findings.push_back({true, source + "." + row[0].as<std::string>(), in_words(row)});
    return findings;
}

}  // namespace pawl::storage
