#include "collector/curl_http.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <tuple>

#include "collector/curl_loop.hpp"
#include "collector/curl_transfer.hpp"

namespace pawl::collector {

namespace {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace

CurlHttp::CurlHttp(boost::asio::any_io_executor executor, CurlSettings settings)
    : executor_(std::move(executor)),
      settings_(std::make_shared<const CurlSettings>(std::move(settings))),
      loop_(CurlLoop::create(executor_, *settings_)) {}

CurlHttp::~CurlHttp() = default;

core::Task<HttpResult> CurlHttp::fetch(HttpRequest request) {
    CurlTransfer transfer(loop_, settings_, std::move(request));
    // The timer never expires by itself: cancelling it is how the end of the transfer wakes this
    // coroutine.
    boost::asio::steady_timer ended(executor_, boost::asio::steady_timer::time_point::max());
    if (transfer.start([&ended] { ended.cancel(); })) co_await ended.async_wait(as_result);
    if (!transfer.is_finished())
        throw boost::system::system_error(boost::asio::error::operation_aborted);
    co_return transfer.take_result();
}

}  // namespace pawl::collector
