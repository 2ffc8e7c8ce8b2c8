/** How many endpoints a Service that the page adds can have. */
export const ENDPOINT_CHOICES = [1, 2, 10, 100] as const;
