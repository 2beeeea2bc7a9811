#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "tests/replica/options.hpp"
#include "tests/replica/server.hpp"

int main(int argc, char* argv[]) {
    using namespace pawl::replica;
    try {
        auto options = parse_options({argv + 1, argv + argc});
        if (options.help) {
            std::cout << usage();
            return 0;
        }
        Api api(options.api);
        boost::asio::io_context io(1);
        Server server(io, api, options.port, std::chrono::milliseconds(options.latency_ms));
        boost::asio::signal_set signals(io, SIGINT, SIGTERM);
        signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
        server.start();
        std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
        io.run();
        return 0;
    } catch (const std::invalid_argument& error) {
        std::cerr << "pawl_replica: " << error.what() << "\n" << usage();
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "pawl_replica: " << error.what() << std::endl;
        return 1;
    }
}
