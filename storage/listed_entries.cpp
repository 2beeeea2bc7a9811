#include "storage/listed_entries.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/identifier.hpp"

namespace pawl::storage {
namespace {

// A scalar entry is an object of one member. jsonb writes equal objects alike.
constexpr std::string_view entries_of_list = R"sql((
  select list, case when (select count(*) from jsonb_object_keys(list)) = 1 then (select value from jsonb_each_text(list))
                    else list::text end as key
  from jsonb_array_elements({}::jsonb) as list))sql";

constexpr std::string_view entries_of_range = R"sql((
  select jsonb_build_object({0}::text, n, 'end', least(n + {3} - 1, {2})) as list, n::text as key
  from generate_series({1}::bigint, {2}::bigint, {3}::bigint) as n))sql";

std::string entries_of(const core::Foreach::Factor& factor) {
    // The entries are JSON texts already: parsing them here would round long numbers.
    if (!factor.range) return fmt::format(entries_of_list, literal(fmt::format("[{}]", fmt::join(factor.list, ","))));
    const auto& range = *factor.range;
    return fmt::format(entries_of_range, literal(range.as), range.from, range.to, range.step);
}

}  // namespace

std::string combined_entries(const core::Foreach& foreach_) {
    if (foreach_.factors.empty()) return "(select '{}'::jsonb as list, '' as key)";
    if (foreach_.factors.size() == 1) return entries_of(foreach_.factors[0]);
    std::vector<std::string> items, lists, keys;
    for (const core::Foreach::Factor& factor : foreach_.factors) {
        const auto name = fmt::format("factor_{}", items.size());
        items.push_back(fmt::format("{} as {}", entries_of(factor), name));
        lists.push_back(name + ".list");
        keys.push_back(name + ".key");
    }
    return fmt::format("(select {} as list, jsonb_build_array({})::text as key from {})", fmt::join(lists, " || "),
                       fmt::join(keys, ", "), fmt::join(items, " cross join "));
}

}  // namespace pawl::storage
