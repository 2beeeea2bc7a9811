#include "core/stream_projection.hpp"

#include "core/record_identity.hpp"

namespace pawl::core {

namespace {

using Places = std::vector<JsonProjection*>;

/// A path without [*] may stand for one array instead of its elements.
Places with_elements(Places places) {
    const auto count = places.size();
    for (std::size_t i = 0; i < count; ++i) places.push_back(&places[i]->every_child());
    return places;
}

Places records_of(const Expression& path, const Places& from, JsonProjection& root) {
    auto found = path.want_records(from, root);
    return path.yields_many() ? found : with_elements(std::move(found));
}

Places places_of_records(const Stream& stream, JsonProjection& root) {
    if (stream.records) return records_of(*stream.records, {&root}, root);
    return stream.reads_elements() ? with_elements({&root}) : Places{&root};
}

/// Elements are looked for by name, wherever they stand.
std::shared_ptr<const JsonProjection> everything() {
    auto root = std::make_shared<JsonProjection>();
    root->want_all();
    return root;
}

/// Those of core::listed_records; the document itself where it is no list.
Places listed(const Stream& stream, JsonProjection& root) {
    return stream.records ? records_of(*stream.records, {&root}, root) : with_elements({&root});
}

}  // namespace

std::shared_ptr<const JsonProjection> projection_for_rows(const Stream& stream) {
    if (!stream.records_element.empty()) return everything();
    auto root = std::make_shared<JsonProjection>();
    const auto base = places_of_records(stream, *root);
    if (stream.incremental && stream.incremental->field) stream.incremental->field->want(listed(stream, *root), *root);
    for (const Emit& emit : stream.emits) {
        const auto records = emit.each ? records_of(*emit.each, base, *root) : base;
        if (emit.infer)
            for (auto* record : records) (void)record->every_child();
        for (const Emit::Column& column : emit.columns) column.value.want(records, *root);
        if (emit.newest) emit.newest->want(records, *root);
    }
    root->settle();
    return root;
}

std::shared_ptr<const JsonProjection> projection_for_paging(const Stream& stream,
                                                            const std::vector<Limit>& limits) {
    auto root = std::make_shared<JsonProjection>();
    const auto& paginate = stream.paginate;
    for (const auto* expression : {&paginate.next, &paginate.more, &paginate.last, &paginate.stop_when})
        if (*expression) (*expression)->want({root.get()}, *root);
    for (const Limit& limit : limits)
        if (limit.cost_from) limit.cost_from->want({root.get()}, *root);
    const bool counts = paginate.kind == Pagination::Kind::page || paginate.kind == Pagination::Kind::offset;
    const bool meets = stream.incremental && stream.incremental->kind == Incremental::Kind::newest_first;
    if ((counts || meets) && !stream.records_element.empty()) return everything();
    if (counts) want_identities(stream, listed(stream, *root), *root);
    if (meets) stream.incremental->field->want(listed(stream, *root), *root);
    root->settle();
    return root;
}

}  // namespace pawl::core
