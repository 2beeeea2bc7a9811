#include "storage/pg_verifier.hpp"

#include <fmt/format.h>

#include <set>

#include "storage/expectation_check.hpp"
#include "storage/identifier.hpp"
#include "storage/ledger_checks.hpp"
#include "storage/shift_check.hpp"
#include "storage/walks.hpp"

namespace pawl::storage {
namespace {

using Transaction = pqxx::transaction_base;

constexpr std::size_t findings_max = 1000;

// Sorts of large ledgers go to disk; this much of each stays in memory.
constexpr const char* prepare = "set local work_mem = '64MB'; set local lock_timeout = 0";

constexpr const char* read_totals = R"sql(
select (select count(*) from pawl.v_slice s where source = $1 and ($2 = '' or stream = $2)),
       (select count(*) from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
        where s.source = $1 and ($2 = '' or s.stream = $2)),
       (select coalesce(sum(records), 0)::bigint from pawl.v_slice where source = $1
         and ($2 = '' or stream = $2)),
       (select count(*) from pawl.dead_letter where source = $1 and ($2 = '' or stream = $2)
         and state = 'dead'))sql";

// Rows of one table by the ledger: over all sources and streams that ever wrote it, by the mapping
// each page was stored with. `kept`: rows of pages that were forgotten, without their table.
constexpr const char* rows_by_ledger = R"sql(
with emit as (
  select m.source, m.stream, m.hash, e.i, (m.body -> 'kept' ->> (e.i - 1)::int)::bigint as kept
  from pawl.spec m cross join lateral jsonb_array_elements(m.body -> 'emits') with ordinality as
    e(emit, i)
  where m.kind = 'mapping' and e.emit ->> 'schema' = $1 and e.emit ->> 'table' = $2
)
select coalesce(sum(g.counts[(emit.i - 1) * 8 + 2] - g.counts[(emit.i - 1) * 8 + 8]), 0)::bigint
       + (select coalesce(sum(kept), 0)::bigint from emit)
from emit join pawl.v_slice s on s.source = emit.source and s.stream = emit.stream
join pawl.page g on g.slice_id = s.slice_id and g.mapping_hash = emit.hash)sql";

constexpr const char* read_tips_of =
    "select slice_id, stream, tip_seq from pawl.slice where slice_id = any($1::bigint[]) and state "
    "= 'open'";

class Findings {
  public:
    explicit Findings(VerifyReport& report) : report_(report) {}
    void add(Finding finding) {
        if (report_.findings.size() < findings_max) {
            report_.findings.push_back(std::move(finding));
        } else {
            ++report_.findings_left_out;
        }
    }
    void left_out(std::int64_t more) { report_.findings_left_out += more; }

  private:
    VerifyReport& report_;
};

std::string place(const std::string& source, const pqxx::row& row) {
    std::string where = source;
    if (!row[0].is_null() && row[0].as<std::string>() != source)
        where += "." + row[0].as<std::string>();
    if (!row[1].is_null()) where += " slice " + row[1].as<std::string>();
    if (!row[2].is_null()) where += " page " + row[2].as<std::string>();
    return where;
}

void check_ledger(Transaction& transaction, const std::string& source, const std::string& stream,
                  Findings& findings) {
    for (const LedgerCheck& check : ledger_checks()) {
        const pqxx::result rows = transaction.exec_params(std::string(check.sql), source, stream);
        for (const auto& row : rows)
            findings.add({false, place(source, row), row[3].as<std::string>()});
        const auto told = static_cast<std::int64_t>(rows.size());
        if (told > 0) findings.left_out(rows[0][4].as<std::int64_t>() - told);
    }
}

std::set<std::string> tables_of(const core::SourceFile& source, const std::string& stream) {
    std::set<std::string> tables;
    for (const core::Stream& candidate : source.streams) {
        if (!stream.empty() && candidate.name != stream) continue;
        for (const core::Emit& emit : candidate.emits) tables.insert(emit.table);
    }
    return tables;
}

std::int64_t count_rows(Transaction& transaction, const std::string& table) {
    if (transaction.exec_params("select to_regclass($1)", table)[0][0].is_null()) return 0;
    return transaction.exec("select count(*) from " + table)[0][0].as<std::int64_t>();
}

std::int64_t check_tables(Transaction& transaction, const core::SourceFile& source,
                          const std::string& stream, Findings& findings) {
    std::int64_t tables = 0;
    for (const std::string& name : tables_of(source, stream)) {
        const std::int64_t expected =
            transaction.exec_params(rows_by_ledger, source.schema, name)[0][0].as<std::int64_t>();
        const std::int64_t found = count_rows(transaction, quoted_table(source.schema, name));
        ++tables;
        if (found == expected) continue;
        findings.add({false, "table " + source.schema + "." + name,
                      fmt::format("has {} rows, but the ledger inserted {} more than it deleted: "
                                  "rows were {} by someone else",
                                  found, expected, found < expected ? "deleted" : "inserted")});
    }
    return tables;
}

/// Redis was read before Postgres: a frontier may rightly be behind its tip by now, and what is
/// missing from the queue is asked again from the tip. All of it is told, none of it is a loss.
void compare_frontiers(Transaction& transaction, const std::string& source,
                       const std::vector<FrontierFact>& frontiers, Findings& findings) {
    std::map<core::SliceId, FrontierFact> facts;
    std::vector<core::SliceId> ids;
    for (const FrontierFact& fact : frontiers) {
        facts[fact.slice] = fact;
        ids.push_back(fact.slice);
    }
    std::int64_t unknown = 0;
    for (const auto& row : transaction.exec_params(read_tips_of, id_array(ids))) {
        const FrontierFact& fact = facts.at(row[0].as<core::SliceId>());
        const auto tip_seq = row[2].as<std::int64_t>();
        const std::string where =
            source + "." + row[1].as<std::string>() + " slice " + row[0].as<std::string>();
        if (fact.seq < 0) {
            ++unknown;
        } else if (fact.seq < tip_seq) {
            findings.add({true, where,
                          fmt::format("Redis has it at page {}, the ledger at {}: committed "
                                      "meanwhile, or Redis was set back;"
                                      " it goes on from the ledger's",
                                      fact.seq, tip_seq)});
        } else if (fact.queued < fact.seq - tip_seq) {
            findings.add({true, where,
                          fmt::format("pages {} to {} were fetched, {} of them are on the queue: "
                                      "the others will be asked again",
                                      tip_seq + 1, fact.seq, fact.queued)});
        }
    }
    if (unknown > 0) {
        findings.add(
            {true, source,
             fmt::format("{} open slices are not in Redis: each will be asked again from its tip",
                         unknown)});
    }
}

void check_expectations(Transaction& transaction, const core::SourceFile& source, const std::string& stream,
                        Findings& findings) {
    for (const core::Stream& candidate : source.streams) {
        if (!stream.empty() && candidate.name != stream) continue;
        if (auto finding = check_expectation(transaction, source, candidate)) findings.add(std::move(*finding));
    }
}

VerifyReport verify_snapshot(Transaction& transaction, const core::SourceFile& source,
                             const std::string& stream,
                             const std::vector<FrontierFact>& frontiers) {
    VerifyReport report;
    Findings findings(report);
    transaction.exec(prepare);
    const pqxx::result totals = transaction.exec_params(read_totals, source.name, stream);
    report.slices = totals[0][0].as<std::int64_t>();
    report.pages = totals[0][1].as<std::int64_t>();
    report.records = totals[0][2].as<std::int64_t>();
    report.dead_letters = totals[0][3].as<std::int64_t>();
    check_ledger(transaction, source.name, stream, findings);
    report.tables = check_tables(transaction, source, stream, findings);
    compare_frontiers(transaction, source.name, frontiers, findings);
    check_expectations(transaction, source, stream, findings);
    for (auto& finding : shift_findings(transaction, source.name, stream)) findings.add(std::move(finding));
    return report;
}

}  // namespace

PgVerifier::PgVerifier(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}

core::Task<std::vector<core::SliceId>> PgVerifier::open_slices(std::string source,
                                                               std::size_t limit) {
    using Ids = std::vector<core::SliceId>;
    return pool_->transact<Ids>([source = std::move(source), limit](Transaction& transaction) {
        Ids ids;
        // Those on offer first: Redis knows of no others.
        for (const auto& row : transaction.exec_params(
                 "select slice_id from pawl.slice where source = $1 and state = 'open'"
                 " order by offered_epoch is null, class, slice_id limit $2",
                 source, limit)) {
            ids.push_back(row[0].as<core::SliceId>());
        }
        return ids;
    });
}

core::Task<VerifyReport> PgVerifier::verify(std::shared_ptr<const core::SourceFile> source,
                                            std::string stream,
                                            std::vector<FrontierFact> frontiers) {
    return pool_->snapshot<VerifyReport>(
        [source = std::move(source), stream = std::move(stream),
         frontiers = std::move(frontiers)](Transaction& transaction) {
            return verify_snapshot(transaction, *source, stream, frontiers);
        });
}

}  // namespace pawl::storage
