/** Cluster sizes that the slider and the charts offer, in Services. */
export const SERVICE_CHOICES = [1, 50, 500, 5000, 20_000, 50_000] as const;
