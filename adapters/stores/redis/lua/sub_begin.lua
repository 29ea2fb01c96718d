-- What clients are told of subscriptions must hold for all pods. After a switch it does once each pod has said what it knows.
if not settled(now()) then return refuse('UNSETTLED') end
