#include "collector/turnstile.hpp"

#include <boost/asio/this_coro.hpp>

namespace pawl::collector {

std::int64_t default_weight(core::SliceClass slice_class) {
    switch (slice_class) {
        case core::SliceClass::live:
            return 16;
        case core::SliceClass::on_demand:
            return 4;
        case core::SliceClass::backfill:
            break;
    }
    return 1;
}

struct Turnstile::Turn::Lane {
    struct Waiting {
        explicit Waiting(core::asio::any_io_executor executor) : event(std::move(executor)) {}
        core::Event event;
        bool called = false;
    };
    FairQueue<Waiting*> queue;
    std::size_t askers = 0;

    // Gives a free place to whoever is next.
    void call() {
        if (askers >= askers_max) return;
        const auto next = queue.pop();
        if (!next) return;
        ++askers;
        (*next)->called = true;
        (*next)->event.notify();
    }
};

Turnstile::Turn& Turnstile::Turn::operator=(Turn&& other) noexcept {
    if (this != &other) {
        pass_on();
        lane_ = std::move(other.lane_);
    }
    return *this;
}

void Turnstile::Turn::pass_on() {
    const auto lane = std::move(lane_);
    if (!lane) return;
    --lane->askers;
    lane->call();
}

core::Task<Turnstile::Turn> Turnstile::enter(std::string limits, core::SliceClass slice_class, std::string stream) {
    auto& lane = lanes_[limits];
    if (!lane) {
        lane = std::make_shared<Lane>();
        lane->queue.set_weights(weights_);
    }
    std::shared_ptr<Lane> entered = lane;
    auto turn = co_await wait_in(std::move(entered), slice_class, std::move(stream), false);
    co_return turn;
}

core::Task<Turnstile::Turn> Turnstile::enter_again(Turn turn, core::SliceClass slice_class, std::string stream) {
    std::shared_ptr<Lane> lane = turn.lane_;
    if (!lane || lane->queue.size() == 0) co_return turn;
    lane->askers -= 1;  // not passed on yet: it may be its own successor
    turn.lane_.reset();
    auto again = co_await wait_in(std::move(lane), slice_class, std::move(stream), true);
    co_return again;
}

core::Task<Turnstile::Turn> Turnstile::wait_in(std::shared_ptr<Lane> lane, core::SliceClass slice_class,
                                               std::string stream, bool first) {
    const auto executor = co_await core::asio::this_coro::executor;
    Lane::Waiting waiting(executor);
    if (first)
        lane->queue.push_front(slice_class, stream, &waiting);
    else
        lane->queue.push(slice_class, stream, &waiting);
    // Leaves the queue when the wait is broken off, and gives back a place it was called to but cannot use.
    struct Leaving {
        Lane& lane;
        Lane::Waiting& waiting;
        bool entered = false;
        ~Leaving() {
            if (entered) return;
            if (!waiting.called) {
                lane.queue.erase(&waiting);
            } else {
                --lane.askers;
                lane.call();
            }
        }
    } leaving{*lane, waiting};
    lane->call();
    while (!waiting.called) co_await waiting.event.wait();
    leaving.entered = true;
    Turn turn;
    turn.lane_ = std::move(lane);
    co_return turn;
}

void Turnstile::set_weights(const queue::Weights& weights) {
    weights_ = weights;
    for (auto& [limits, lane] : lanes_) lane->queue.set_weights(weights);
}

std::size_t Turnstile::waiting() const {
    std::size_t all = 0;
    for (const auto& [limits, lane] : lanes_) all += lane->queue.size();
    return all;
}

}  // namespace pawl::collector
