#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/job.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// Shares of the classes where nothing else is set: live work gets sixteen requests while backfill gets one, and nobody
/// gets none.
[[nodiscard]] std::int64_t default_weight(core::SliceClass slice_class);

/// Whose turn it is among those that wait for the same quota: classes by their weights, the streams of a class equally,
/// the walks of a stream in the order in which they came. Stride scheduling (Waldspurger and Weihl 1995): whoever has had
/// least for its weight is next, and who comes back after a rest starts with the others. Pure.
template <typename T>
class FairQueue {
  public:
    void set_weights(queue::Weights weights) { weights_ = std::move(weights); }

    void push(core::SliceClass slice_class, const std::string& stream, T value) {
        lane(slice_class, stream).waiting.push_back(std::move(value));
        ++size_;
    }
    /// Before all others of its stream: it had its turn already, and could not use it.
    void push_front(core::SliceClass slice_class, const std::string& stream, T value) {
        lane(slice_class, stream).waiting.push_front(std::move(value));
        ++size_;
    }
    [[nodiscard]] std::optional<T> pop() {
        if (size_ == 0) return std::nullopt;
        auto chosen = least(classes_);
        auto& streams = chosen->second.streams;
        auto stream = least(streams);
        T value = std::move(stream->second.waiting.front());
        stream->second.waiting.pop_front();
        --size_;
        now_ = chosen->second.pass;
        chosen->second.now = stream->second.pass;
        chosen->second.pass += 1.0 / static_cast<double>(weight(chosen->first));
        stream->second.pass += 1.0;
        if (stream->second.waiting.empty()) streams.erase(stream);  // streams come and go; their turns are not hoarded
        return value;
    }
    void erase(const T& value) {
        for (auto& [slice_class, group] : classes_)
            for (auto stream = group.streams.begin(); stream != group.streams.end();) {
                size_ -= static_cast<std::size_t>(std::erase(stream->second.waiting, value));
                stream = stream->second.waiting.empty() ? group.streams.erase(stream) : std::next(stream);
            }
    }
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    struct Stream {
        double pass = 0;
        std::deque<T> waiting;
    };
    struct Class {
        double pass = 0, now = 0;
        std::map<std::string, Stream> streams;  // those that wait
    };

    std::int64_t weight(core::SliceClass slice_class) const {
        const auto set = weights_.find(slice_class);
        return set == weights_.end() ? default_weight(slice_class) : std::max<std::int64_t>(1, set->second);
    }
    Stream& lane(core::SliceClass slice_class, const std::string& stream) {
        auto& group = classes_[slice_class];
        if (group.streams.empty()) group.pass = std::max(group.pass, now_);
        const auto [found, is_new] = group.streams.try_emplace(stream);
        if (is_new) found->second.pass = group.now + 1.0;  // as if it had just had a turn: else one that empties each time is always first
        return found->second;
    }
    static bool waits(const Stream& stream) { return !stream.waiting.empty(); }
    static bool waits(const Class& group) { return !group.streams.empty(); }
    template <typename Map>
    static auto least(Map& map) {
        auto best = map.end();
        for (auto one = map.begin(); one != map.end(); ++one)
            if (waits(one->second) && (best == map.end() || one->second.pass < best->second.pass)) best = one;
        return best;
    }

    queue::Weights weights_;
    std::map<core::SliceClass, Class> classes_;
    double now_ = 0;
    std::size_t size_ = 0;
};

}  // namespace pawl::collector
