#include "storage/page_sample.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "storage/identifier.hpp"
#include "storage/pq_connection.hpp"
#include "storage/walks.hpp"

namespace pawl::storage {

namespace {

constexpr const char* read_sample = R"sql(
select s.slice_id, s.partition_id, s.stream, p.part, s.request_hash, s.parent::text, p.list::text, g.seq,
       (select before.cursor_out from pawl.page before where before.slice_id = g.slice_id and before.seq = g.seq - 1),
       coalesce(g.body_hash, ''), s.lo, s.hi, (extract(epoch from s.created_at) * 1000000)::bigint
from pawl.page g join pawl.v_slice s on s.slice_id = g.slice_id join pawl.partition p on p.partition_id = s.partition_id
where s.source = $1 and ($2 = '' or s.stream = $2) and g.outcome = 'ok' and (s.state = 'open' or p.last_slice = s.slice_id)
order by random() limit $3)sql";

constexpr const char* read_type =
    "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = $1::regclass and attname = $2";

/// The values of one column of `rows`, as an array literal.
std::string column_array(const core::EmitRows& rows, const std::string& name) {
    const auto at = static_cast<std::size_t>(std::find(rows.columns.begin(), rows.columns.end(), name) - rows.columns.begin());
    PqArray array;
    for (std::size_t row = 0; row < rows.row_count(); ++row)
        array.add(std::string_view(rows.cells[row * rows.columns.size() + at].text));
    return array.str();
}

}  // namespace

core::Task<std::vector<SampledPage>> sample_pages(std::shared_ptr<ConnectionPool> pool, std::string source, std::string stream,
                                                  std::size_t count) {
    std::function<std::vector<SampledPage>(pqxx::transaction_base&)> query =
        [source = std::move(source), stream = std::move(stream), count](pqxx::transaction_base& transaction) {
            std::vector<SampledPage> pages;
            for (const auto& row : transaction.exec_params(read_sample, source, stream, static_cast<std::int64_t>(count))) {
                SampledPage page;
                page.slice.slice = row[0].as<std::int64_t>();
                page.slice.partition = row[1].as<std::int64_t>();
                page.slice.stream = row[2].as<std::string>();
                page.slice.part = row[3].as<std::string>();
                page.slice.request_hash = row[4].as<std::string>();
                page.slice.parent = row[5].as<std::string>();
                page.slice.list = row[6].as<std::string>();
                page.seq = row[7].as<std::int64_t>();
                if (!row[8].is_null()) page.cursor = row[8].as<std::string>();
                page.body_hash = row[9].as<std::string>();
                page.slice.window = window_of(row[10], row[11]);
                page.slice.begun = row[12].as<std::int64_t>();
                pages.push_back(std::move(page));
            }
            return pages;
        };
    return pool->snapshot<std::vector<SampledPage>>(std::move(query));
}

core::Task<std::int64_t> rows_missing(std::shared_ptr<ConnectionPool> pool, std::string schema, core::Emit emit,
                                      core::EmitRows rows) {
    std::function<std::int64_t(pqxx::transaction_base&)> query = [schema = std::move(schema), emit = std::move(emit),
                                                                  rows = std::move(rows)](pqxx::transaction_base& transaction) {
        if (emit.key.empty() || rows.row_count() == 0) return std::int64_t{0};
        const auto table = quoted_table(schema, emit.table);
        std::vector<std::string> arrays, names, same;
        for (const auto& key : emit.key) {
            const auto column = identifier(key);
            const auto type = transaction.exec_params(read_type, table, column).at(0).at(0).as<std::string>();
            const auto name = "k" + std::to_string(names.size());
            arrays.push_back(literal(column_array(rows, key)) + "::text[]");
            same.push_back(fmt::format("t.{} = a.{}::{}", quoted(column), name, type));
            names.push_back(name);
        }
        const auto sql = fmt::format("select count(*) from (select distinct * from unnest({}) as u({})) as a where not exists "
                                     "(select 1 from {} t where {})",
                                     fmt::join(arrays, ", "), fmt::join(names, ", "), table, fmt::join(same, " and "));
        return transaction.exec(sql).at(0).at(0).as<std::int64_t>();
    };
    return pool->snapshot<std::int64_t>(std::move(query));
}

}  // namespace pawl::storage
