#include "core/thread_pool.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <memory>

namespace pawl::core {

namespace {

/// Runs `work` in the pool, then completes on the executor that waits.
template <typename Handler>
void run_and_complete(asio::thread_pool& pool, std::shared_ptr<std::function<void()>> work,
                      asio::any_io_executor back, Handler handler) {
    auto shared = std::make_shared<Handler>(std::move(handler));
    // The executor must not run out of work while the pool is busy for it.
    auto alive = asio::prefer(back, asio::execution::outstanding_work.tracked);
    asio::post(pool, [work, alive, shared] {
        std::exception_ptr failure;
        try {
            (*work)();
        } catch (...) {
            failure = std::current_exception();
        }
        asio::post(alive, [shared, failure] { std::move (*shared)(failure); });
    });
}

}  // namespace

Task<> ThreadPool::run(std::function<void()> work) {
    const auto back = co_await asio::this_coro::executor;
    auto shared = std::make_shared<std::function<void()>>(std::move(work));
    auto initiate = [this, shared, back](auto handler) {
        run_and_complete(pool_, shared, back, std::move(handler));
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void(std::exception_ptr)>(
        initiate, asio::use_awaitable);
}

}  // namespace pawl::core
