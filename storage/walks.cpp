#include "storage/walks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "storage/incremental_walks.hpp"

namespace pawl::storage {
namespace {

using nlohmann::json;

constexpr const char* wake_partitions = R"sql(
update pawl.partition set next_due = now()
where source = $1 and stream = $2 and state = 'active' and not walking
  and (next_due is null or next_due > now())
  and ($3::bigint is null or last_finished is null or last_finished <= now() - $3::bigint *
    interval '1 us'))sql";

// A link is drawn in a subquery, once per row: it is both genesis and first tip.
constexpr const char* begin_walks = R"sql(
with request as (
  select * from jsonb_to_recordset($3::jsonb) as r(stream text, request_hash text)
), due as (
  select partition_id from pawl.partition
  where source = $1 and next_due <= now() and not walking and state = 'active'
    and stream in (select stream from request)
  order by next_due, partition_id limit $2 for update skip locked
), started as (
  update pawl.partition p set walking = true, walk = p.walk + 1, next_due = null
  from due where p.partition_id = due.partition_id
  returning p.partition_id, p.stream, p.walk, p.parent
), inserted as (
  insert into pawl.slice (partition_id, source, stream, walk, request_hash, class, parent, genesis,
    tip_link)
  select partition_id, $1, stream, walk, request_hash, $4, parent, link, link
  from (select started.*, request.request_hash, gen_random_uuid() as link
        from started join request using (stream) order by partition_id) as walk
  returning 1
)
select count(*) from inserted)sql";

// Without sorting allowed, the only way to the first rows is along the index slice_open, which
// passes by the slices on offer (a bounded number) and then stops. Statistics of a table that has
// just grown would suggest a scan of all.
constexpr const char* read_in_order = "set local enable_sort = off; set local enable_seqscan = off";
constexpr const char* silent_slices = R"sql(
select s.slice_id, s.partition_id, s.stream, p.part, s.request_hash, s.parent::text, p.list::text,
  s.class,
       p.last_finished is not null, s.tip_seq, s.tip_link::text, s.tip_cursor, s.lo, s.hi,
       (extract(epoch from s.created_at) * 1000000)::bigint
from (select * from pawl.slice
      where source = $1 and state = 'open' and (offered_epoch is distinct
        from $2::uuid or offered_until < now())
        and ($4::jsonb = '[]' or stream in (select jsonb_array_elements_text($4::jsonb)))
      order by class, slice_id limit $3) as s
join pawl.partition p on p.partition_id = s.partition_id
order by s.class, s.slice_id)sql";

// A slice whose tip is being moved is alive: its row is locked, and it is passed over.
constexpr const char* note_offers = R"sql(
update pawl.slice s set offered_epoch = $2::uuid, offered_until = now() + $3::bigint * interval
  '1 ms'
from (select slice_id from pawl.slice where slice_id = any($1::bigint[]) and state = 'open'
      order by slice_id for no key update skip locked) as free
where s.slice_id = free.slice_id)sql";

constexpr const char* read_tips =
    "select slice_id, tip_seq, tip_link::text, tip_cursor from pawl.slice"
    " where slice_id = any($1::bigint[]) and state = 'open' order by slice_id";

constexpr const char* read_validators =
    "select v.key, v.etag, v.last_modified, v.page_id, v.next_cursor, v.last from pawl.partition p"
    " join pawl.validator v on v.partition_id = p.partition_id and v.slice_id = p.last_slice"
    " where p.partition_id = $1 order by v.page_id";

constexpr const char* count_remaining = R"sql(
select open.slices, open.offered,
       (select count(*) from pawl.partition where source = $1 and next_due <= now() and not walking
         and state = 'active'
          and ($2::jsonb = '[]' or stream in (select jsonb_array_elements_text($2::jsonb))))
from (select count(*) as slices, count(*) filter (where offered_until > now()) as offered
  from pawl.slice
      where source = $1 and state = 'open'
        and ($2::jsonb = '[]' or stream in (select jsonb_array_elements_text($2::jsonb)))) as
          open)sql";

core::Link link_of(const pqxx::field& field) {
    const auto link = core::Token::parse(field.c_str());
    if (!link) throw core::PermanentError("pawl.slice: a link is no uuid");
    return *link;
}

std::optional<std::string> text_of(const pqxx::field& field) {
    if (field.is_null()) return std::nullopt;
    return field.as<std::string>();
}

DueSlice due_slice_of(const pqxx::row& row) {
    DueSlice due;
    due.slice.slice = row[0].as<core::SliceId>();
    due.slice.partition = row[1].as<std::int64_t>();
    due.slice.stream = row[2].as<std::string>();
    due.slice.part = row[3].as<std::string>();
    due.slice.request_hash = row[4].as<std::string>();
    due.slice.parent = row[5].as<std::string>();
    due.slice.list = row[6].as<std::string>();
    due.slice.slice_class = static_cast<core::SliceClass>(row[7].as<int>());
    due.slice.revisit = row[8].as<bool>();
    due.slice.window = window_of(row[12], row[13]);
    due.slice.begun = row[14].as<std::int64_t>();
    due.tip = {due.slice.slice, row[9].as<std::int64_t>(), link_of(row[10]), text_of(row[11])};
    return due;
}

/// The streams asked for: those without `incremental` as JSON, the others by themselves.
struct Asked {
    json plain = json::array();
    std::vector<const core::Stream*> incremental;
};

Asked asked_for(const core::SourceFile& source, const std::vector<std::string>& streams) {
    Asked asked;
    for (const core::Stream& stream : source.streams) {
        if (!streams.empty() && std::find(streams.begin(), streams.end(), stream.name) == streams.end()) continue;
        if (stream.incremental)
            asked.incremental.push_back(&stream);
        else
            asked.plain.push_back({{"stream", stream.name}, {"request_hash", stream.request_hash}});
    }
    return asked;
}

}  // namespace

core::Window window_of(const pqxx::field& lo, const pqxx::field& hi) {
    core::Window window;
    if (!lo.is_null()) window.lo = lo.as<std::int64_t>();
    if (!hi.is_null()) window.hi = hi.as<std::int64_t>();
    return window;
}

bool is_in_force(pqxx::transaction_base& transaction, const std::string& source,
                 std::int64_t epoch) {
    const pqxx::result found =
        transaction.exec_params("select epoch from pawl.source where name = $1 for share", source);
    return !found.empty() && found[0][0].as<std::int64_t>() == epoch;
}

std::int64_t fall_due(pqxx::transaction_base& transaction, const core::SourceFile& source,
                      const core::Stream& stream) {
    // A row of a scanned table is asked for once unless the file says how often, or what is new of it is wanted.
    if (stream.foreach_.kind == core::Foreach::Kind::table && !stream.refresh && !stream.incremental) return 0;
    transaction.exec("set local statement_timeout = 0");
    const std::optional<std::int64_t> refresh =
        stream.refresh ? std::optional<std::int64_t>(stream.refresh->count()) : std::nullopt;
    const pqxx::result woken =
        refresh ? transaction.exec_params(wake_partitions, source.name, stream.name, *refresh)
                : transaction.exec_params(wake_partitions, source.name, stream.name, nullptr);
    return static_cast<std::int64_t>(woken.affected_rows());
}

std::int64_t start_walks(pqxx::transaction_base& transaction, const core::SourceFile& source,
                         const std::vector<std::string>& streams, std::size_t limit,
                         core::SliceClass slice_class) {
    const Asked asked = asked_for(source, streams);
    std::int64_t started = 0;
    if (!asked.plain.empty())
        started = transaction.exec_params(begin_walks, source.name, limit, asked.plain.dump(), static_cast<int>(slice_class))[0][0]
                      .as<std::int64_t>();
    for (const core::Stream* stream : asked.incremental) {
        if (static_cast<std::size_t>(started) >= limit) break;
        started += begin_incremental_walks(transaction, source.name, *stream, limit - static_cast<std::size_t>(started), slice_class);
    }
    return started;
}

std::vector<DueSlice> due_slices(pqxx::transaction_base& transaction, const std::string& source,
                                 const std::vector<std::string>& streams, core::Token epoch,
                                 std::size_t limit) {
    transaction.exec(read_in_order);
    std::vector<DueSlice> due;
    const pqxx::result rows =
        transaction.exec_params(silent_slices, source, epoch.str(), limit, json(streams).dump());
    for (const auto& row : rows) {
        due.push_back(due_slice_of(row));
    }
    return due;
}

void mark_offered(pqxx::transaction_base& transaction, const std::vector<core::SliceId>& slices,
                  core::Token epoch, core::Millis quiet) {
    transaction.exec_params(note_offers, id_array(slices), epoch.str(),
                            static_cast<std::int64_t>(quiet.count()));
}

std::vector<core::Tip> open_tips(pqxx::transaction_base& transaction,
                                 const std::vector<core::SliceId>& slices) {
    std::vector<core::Tip> tips;
    for (const auto& row : transaction.exec_params(read_tips, id_array(slices))) {
        tips.push_back({row[0].as<core::SliceId>(), row[1].as<std::int64_t>(), link_of(row[2]),
                        text_of(row[3])});
    }
    return tips;
}

std::vector<Validator> validators(pqxx::transaction_base& transaction, std::int64_t partition) {
    std::vector<Validator> found;
    for (const auto& row : transaction.exec_params(read_validators, partition)) {
        found.push_back({row[0].as<std::string>(), row[1].as<std::string>(),
                         row[2].as<std::string>(), row[3].as<std::int64_t>(), text_of(row[4]),
                         row[5].as<bool>()});
    }
    return found;
}

Catalogue::Remaining remaining(pqxx::transaction_base& transaction, const std::string& source,
                               const std::vector<std::string>& streams) {
    const pqxx::result counts =
        transaction.exec_params(count_remaining, source, json(streams).dump());
    Catalogue::Remaining left;
    left.open_slices = counts[0][0].as<std::int64_t>();
    left.offered = counts[0][1].as<std::int64_t>();
    left.due_partitions = counts[0][2].as<std::int64_t>();
    return left;
}

std::string id_array(const std::vector<core::SliceId>& ids) {
    return fmt::format("{{{}}}", fmt::join(ids, ","));
}

}  // namespace pawl::storage
