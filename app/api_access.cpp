#include "app/api_access.hpp"

#include <algorithm>

namespace pawl::app {

collector::CurlSettings curl_settings(const core::Settings& settings) {
    collector::CurlSettings curl;
    curl.ca_file = settings.http.ca_file;
    curl.private_addresses = settings.http.private_addresses;
    const auto walks_most = settings.http.walks_max + settings.http.walks_max / 4 + 2;  // live ones beside lower classes
    curl.connections_per_host = std::max(curl.connections_per_host, static_cast<long>(walks_most));
    return curl;
}

bool uses_refresh_token(const core::SourceFile& source) {
    return source.auth && source.auth->grant && source.auth->grant->rotates();
}

ApiAccess::ApiAccess(Session& session, std::shared_ptr<const core::SourceFile> source, storage::TokenStore* store)
    : session_(session), source_(std::move(source)), http_(session.context.get_executor(), curl_settings(session.settings)),
      tokens_(collector::tokens_of(*source_, session.settings.secrets_dir,
                                   {http_, session.clock, session.random, *session.telemetry, store},
                                   {session.settings.http.connect_timeout, session.settings.http.request_timeout})) {}

DryPages::Context ApiAccess::context() {
    return {.http = http_, .random = session_.random, .settings = session_.settings,
            .environment = session_.invocation.environment, .tokens = tokens_, .exchanged = {}};
}

Preview ApiAccess::preview(std::map<std::string, std::string> given) {
    return {source_, DryPages(source_, context()), std::move(given)};
}

}  // namespace pawl::app
