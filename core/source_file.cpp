#include "core/source_file.hpp"

#include <algorithm>

namespace pawl::core {

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::page:
            return "page";
        case Verdict::retry:
            return "retry";
        case Verdict::rate_limited:
            return "rate_limited";
        case Verdict::quarantine_key:
            return "quarantine_key";
        case Verdict::gone:
            return "gone";
        case Verdict::cursor_expired:
            return "cursor_expired";
        case Verdict::empty:
            return "empty";
        case Verdict::truncated:
            return "truncated";
        case Verdict::fail:
            return "fail";
    }
    return "";
}

const Stream* SourceFile::find(std::string_view stream) const {
    const auto found = std::find_if(streams.begin(), streams.end(),
                                    [&](const Stream& s) { return s.name == stream; });
    return found == streams.end() ? nullptr : &*found;
}

bool Stream::reads_elements() const {
    const bool infers = !emits.empty() && emits.front().infer;
    return infers || decode == Decode::text || decode == Decode::jsonl || decode == Decode::csv;
}

bool feeds(const Stream& parent, const Emit& emit, const Stream& child) {
    const Foreach& from = child.foreach_;
    if (from.kind != Foreach::Kind::stream || from.stream != parent.name) return false;
    return emit.table == (from.table.empty() ? parent.emits.front().table : from.table);
}

}  // namespace pawl::core
