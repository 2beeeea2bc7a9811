#include "app/failure.hpp"

#include <iostream>
#include <string>

#include "core/errors.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

core::ExitCode tell(const char* what, core::ExitCode code) {
    std::cerr << "pawl: " << core::redact(what) << std::endl;
    return code;
}

}  // namespace

core::ExitCode tell_failure(std::exception_ptr failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const UsageError& error) {
        return tell(error.what(), core::ExitCode::usage);
    } catch (const core::RefusedError& error) {
        return tell(error.what(), core::ExitCode::refused);
    } catch (const core::ConfigError& error) {
        return tell(error.what(), core::ExitCode::config);
    } catch (const core::TransientError& error) {
        return tell(error.what(), core::ExitCode::unreachable);
    } catch (const std::exception& error) {
        return tell(error.what(), core::ExitCode::failure);
    }
}

}  // namespace pawl::app
