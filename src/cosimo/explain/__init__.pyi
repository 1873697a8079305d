from cosimo.explain.leave_one_out import LeaveOneOut as LeaveOneOut
