#include "core/record_identity.hpp"

#include <algorithm>

namespace pawl::core {

namespace {

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): the same on every host, as it stands in cursors.
class Fnv {
  public:
    void add(std::string_view text) {
        for (const char c : text) mix(static_cast<unsigned char>(c));
        mix(0xff);  // no byte of UTF-8: ends a part
    }
    [[nodiscard]] std::uint64_t sum() const { return sum_ == 0 ? 1 : sum_; }

  private:
    void mix(unsigned char byte) { sum_ = (sum_ ^ byte) * 0x100000001b3ULL; }
    std::uint64_t sum_ = 0xcbf29ce484222325ULL;
};

bool takes_whole_records(const Stream& stream, const Emit& emit) {
    return !emit.each || (!stream.records && emit.each->text() == "$[*]");
}

/// The emit whose key tells records apart; nullptr: their text does.
const Emit* telling_emit(const Stream& stream) {
    const auto found = std::find_if(stream.emits.begin(), stream.emits.end(), [&](const Emit& emit) {
        return !emit.key.empty() && takes_whole_records(stream, emit);
    });
    return found == stream.emits.end() ? nullptr : &*found;
}

const Expression* value_of(const Emit& emit, const std::string& column) {
    const auto found = std::find_if(emit.columns.begin(), emit.columns.end(),
                                    [&](const Emit::Column& known) { return known.name == column; });
    return found == emit.columns.end() ? nullptr : &found->value;
}

std::uint64_t identity_of(const Emit& emit, Scope& scope) {
    Fnv hash;
    bool any = false;
    for (const auto& column : emit.key) {
        if (emit.infer) {
            const auto node = scope.document->member(scope.record, column);
            if (node == JsonDocument::none) continue;
            hash.add(scope.document->raw(node));
        } else {
            const auto* expression = value_of(emit, column);
            const auto value = expression ? expression->evaluate(scope) : Value{};
            if (value.is_null()) continue;
            hash.add(value.text);
        }
        any = true;
    }
    return any ? hash.sum() : 0;
}

}  // namespace

std::vector<std::uint64_t> record_identities(const Stream& stream, const JsonDocument& document,
                                             const std::vector<Record>& records) {
    const auto* emit = telling_emit(stream);
    Arena arena;
    Scope scope;
    scope.document = &document;
    scope.arena = &arena;
    std::vector<std::uint64_t> identities;
    identities.reserve(records.size());
    for (const auto& record : records) {
        scope.record = record.node;
        const bool has_key = emit && (!emit->infer || document.kind(record.node) == JsonKind::object);
        if (has_key) {
            identities.push_back(identity_of(*emit, scope));
        } else {
            Fnv text;
            text.add(document.raw(record.node));
            identities.push_back(text.sum());
        }
    }
    return identities;
}

void want_identities(const Stream& stream, const std::vector<JsonProjection*>& records, JsonProjection& root) {
    const auto* emit = telling_emit(stream);
    if (!emit) return;
    for (const auto& column : emit->key) {
        if (emit->infer)
            for (auto* record : records) (void)record->member(column);
        else if (const auto* expression = value_of(*emit, column))
            expression->want(records, root);
    }
}

bool is_keyed(const Stream& stream) {
    return std::none_of(stream.emits.begin(), stream.emits.end(), [](const Emit& emit) { return emit.key.empty(); });
}

bool appends(const Stream& stream) {
    return std::any_of(stream.emits.begin(), stream.emits.end(),
                       [](const Emit& emit) { return emit.merge == Emit::Merge::append; });
}

}  // namespace pawl::core
