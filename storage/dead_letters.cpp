#include "storage/dead_letters.hpp"

#include "core/characters.hpp"

namespace pawl::storage {

namespace {

constexpr int writer_number = 1'000;  // no worker has so many writers: its rows of the running totals are nobody else's

constexpr const char* read_list = R"sql(
select dead_letter_id, source, stream, part, slice_id, seq, state, reason, coalesce(url, ''), status, length(body),
       to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from pawl.dead_letter
where ($1 = '' or source = $1) and ($2 = '' or stream = $2) and ($3 = '' or position(lower($3) in lower(reason)) > 0)
  and (cardinality($4::bigint[]) = 0 or dead_letter_id = any($4::bigint[])) and (not $5::boolean or state = 'dead')
  and dead_letter_id > $6
order by dead_letter_id limit $7)sql";

constexpr const char* read_job = "select envelope, encode(body, 'hex') from pawl.dead_letter where dead_letter_id = $1";

constexpr const char* mark_dropped =
    "update pawl.dead_letter set state = 'dropped', changed_at = now() "
    "where dead_letter_id = any($1::bigint[]) and state = 'dead'";

std::string array_of(const std::vector<std::int64_t>& ids) {
    std::string text = "{";
    for (const auto id : ids) text += (text.size() > 1 ? "," : "") + std::to_string(id);
    return text + "}";
}

std::string bytes_of(std::string_view hex) {
    std::string bytes;
    bytes.reserve(hex.size() / 2);
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(core::hex_number(hex, i, 2));
    return bytes;
}

}  // namespace

DeadLetters::DeadLetters(std::shared_ptr<ConnectionPool> pool)
    : pool_(std::move(pool)),
      writer_(std::make_shared<BatchWriter>(BatchWriter::Options{pool_->url(), writer_number, core::Millis(60'000)},
                                            std::make_shared<Tables>())) {}

core::Task<std::vector<DeadLetter>> DeadLetters::list(DeadLetterChoice choice, std::int64_t after, std::size_t limit) {
    return pool_->transact<std::vector<DeadLetter>>([choice = std::move(choice), after, limit](pqxx::transaction_base& transaction) {
        const pqxx::result found =
            transaction.exec_params(read_list, choice.source, choice.stream, choice.reason, array_of(choice.ids),
                                    choice.only_dead, after, static_cast<std::int64_t>(limit));
        std::vector<DeadLetter> letters;
        for (const auto& row : found) {
            DeadLetter letter;
            letter.id = row[0].as<std::int64_t>();
            letter.source = row[1].as<std::string>();
            letter.stream = row[2].as<std::string>();
            letter.part = row[3].as<std::string>();
            letter.slice = row[4].as<std::int64_t>();
            letter.seq = row[5].as<std::int64_t>();
            letter.state = row[6].as<std::string>();
            letter.reason = row[7].as<std::string>();
            letter.url = row[8].as<std::string>();
            letter.status = row[9].as<int>();
            letter.bytes = row[10].as<std::int64_t>();
            letter.created_at = row[11].as<std::string>();
            letters.push_back(std::move(letter));
        }
        return letters;
    });
}

core::Task<std::optional<core::Job>> DeadLetters::job(std::int64_t id) {
    return pool_->transact<std::optional<core::Job>>([id](pqxx::transaction_base& transaction) {
        std::optional<core::Job> job;
        const pqxx::result found = transaction.exec_params(read_job, id);
        if (!found.empty()) job = core::Job::decode(found[0][0].as<std::string>(), bytes_of(found[0][1].as<std::string>()));
        return job;
    });
}

core::Task<std::int64_t> DeadLetters::drop(std::vector<std::int64_t> ids) {
    return pool_->transact<std::int64_t>([ids = std::move(ids)](pqxx::transaction_base& transaction) {
        return static_cast<std::int64_t>(transaction.exec_params(mark_dropped, array_of(ids)).affected_rows());
    });
}

core::Task<PageResult> DeadLetters::replay(std::shared_ptr<const core::SourceFile> source, std::int64_t id, PageCommit page) {
    auto result = std::make_shared<PageResult>();
    auto mine = std::make_shared<PageCommit>(std::move(page));
    std::function<void()> work = [writer = writer_, source, id, mine, result] {
        *result = writer->replay(*source, id, *mine);
    };
    co_await pool_->offload(std::move(work));
    co_return std::move(*result);
}

}  // namespace pawl::storage
