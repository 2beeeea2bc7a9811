#include "tests/storage/pages.hpp"

#include <atomic>

namespace pawl::test {

namespace {

std::int64_t later() {
    static std::atomic<std::int64_t> time{1'760'000'000'000'000};
    return ++time;
}

core::Value value_of(const core::JsonDocument& document, core::JsonDocument::Node node,
                     core::Arena& arena) {
    core::Value value;
    if (node == core::JsonDocument::none) return value;
    switch (document.kind(node)) {
        case core::JsonKind::null:
            return value;
        case core::JsonKind::boolean:
            value.kind = core::Value::Kind::boolean;
            value.text = document.raw(node);
            return value;
        case core::JsonKind::number:
            value.kind = core::Value::Kind::number;
            value.text = document.raw(node);
            return value;
        case core::JsonKind::text:
            value.kind = core::Value::Kind::text;
            value.text = arena.keep(document.text(node));
            return value;
        default:
            value.kind = core::Value::Kind::json;
            value.text = document.raw(node);
            return value;
    }
}

}  // namespace

core::Job Chain::next(bool last, std::int64_t requested_at) {
    core::SystemRandom random;
    core::Job job;
    job.slice = slice;
    job.partition = partition;
    job.source = "api";
    job.stream = stream;
    job.seq = ++seq;
    job.previous = link;
    link = core::Link::random(random);
    job.link = link;
    if (!cursor.empty()) job.cursor = cursor;
    cursor = "page " + std::to_string(seq + 1);
    if (!last) job.next_cursor = cursor;
    job.last = last;
    job.status = 200;
    job.url = "http://api.test/" + stream + "/" + std::to_string(seq);
    job.requested_at = requested_at == 0 ? later() : requested_at;
    job.fetched_at = job.requested_at + 1'000;
    return job;
}

core::Emit emit_of(const std::string& table, std::vector<std::string> key,
                   std::vector<std::string> columns) {
    core::Emit emit;
    emit.table = table;
    emit.key = std::move(key);
    for (const std::string& column : columns)
        emit.columns.push_back({column, core::Expression::compile("$." + column)});
    return emit;
}

core::Stream thing_stream() {
    core::Stream stream = stream_named("thing");
    stream.emits = {emit_of("thing", {"id"}, {"id", "name"})};
    return stream;
}

storage::PageCommit page_of(const core::Stream& stream, core::Job job, const std::string& json,
                            std::size_t index) {
    storage::PageCommit page;
    page.job = std::move(job);
    page.job.body_size = json.size();
    page.rows.document = std::make_unique<core::JsonDocument>(core::JsonDocument::parse(json));
    page.rows.arena = std::make_unique<core::Arena>();
    const core::JsonDocument& document = *page.rows.document;
    const core::Emit& emit = stream.emits.at(index);
    core::EmitRows rows;
    rows.emit = index;
    for (const core::Emit::Column& column : emit.columns) rows.columns.push_back(column.name);
    const auto records = [&](auto&& visit) {
        for (auto node = document.first_child(document.root()); node != core::JsonDocument::none;
             node = document.next(node))
            visit(node);
    };
    if (emit.infer)
        records([&](core::JsonDocument::Node record) {
            for (auto field = document.first_child(record); field != core::JsonDocument::none;
                 field = document.next(field))
                if (std::find(rows.columns.begin(), rows.columns.end(), document.key(field)) ==
                    rows.columns.end())
                    rows.columns.push_back(document.key(field));
        });
    records([&](core::JsonDocument::Node record) {
        ++rows.read;
        for (const std::string& column : rows.columns)
            rows.cells.push_back(
                value_of(document, document.member(record, column), *page.rows.arena));
        if (emit.newest || emit.merge == core::Emit::Merge::newest)
            rows.versions.push_back(
                std::stoll(std::string(document.raw(document.member(record, "v")))));
    });
    page.rows.emits.push_back(std::move(rows));
    return page;
}

Chain Store::open(const core::SourceFile& source, const std::string& stream,
                  const std::string& part) {
    const core::Stream& named = *source.find(stream);
    database_.sql(
        "insert into pawl.partition (source, stream, part, walk, walking, next_due) values ('" +
        source.name + "', '" + stream + "', '" + part +
        "', 1, true, now()) on conflict (source, stream, part) do update set "
        "walk = partition.walk + 1, walking = true");
    const std::string row = database_.sql(
        "with s as (insert into pawl.slice (partition_id, source, stream, walk, request_hash, "
        "genesis, tip_link) select "
        "partition_id, source, stream, walk, '" +
        named.request_hash +
        "', l, l from pawl.partition, (select gen_random_uuid() as l) g where source = '" +
        source.name + "' and stream = '" + stream + "' and part = '" + part +
        "' returning slice_id, partition_id, tip_link) "
        "select slice_id, partition_id, tip_link from s");
    Chain chain;
    const std::size_t first = row.find(' '), second = row.find(' ', first + 1);
    chain.slice = std::stoll(row.substr(0, first));
    chain.partition = std::stoll(row.substr(first + 1, second - first - 1));
    chain.link = core::Token::parse(row.substr(second + 1)).value();
    chain.stream = stream;
    return chain;
}

std::vector<storage::PageResult> Store::commit(std::shared_ptr<const core::SourceFile> source,
                                               std::vector<storage::PageCommit> pages, int writer) {
    auto batch = std::make_shared<std::vector<storage::PageCommit>>(std::move(pages));
    return database_.run(store_.commit(writer, source, batch));
}

storage::PageResult Store::commit_one(std::shared_ptr<const core::SourceFile> source,
                                      storage::PageCommit page) {
    std::vector<storage::PageCommit> pages;
    pages.push_back(std::move(page));
    return commit(source, std::move(pages)).at(0);
}

std::string counts_of(const storage::PageResult& result, std::size_t emit) {
    const auto& c = result.emits.at(emit);
    std::string out;
    for (const std::int64_t n :
         {c.read, c.inserted, c.updated, c.same, c.stale, c.duplicate, c.rejected, c.deleted})
        out += (out.empty() ? "" : " ") + std::to_string(n);
    return out;
}

}  // namespace pawl::test
